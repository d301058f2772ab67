import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Chromium, hasChromium } from '../../support/client/chromium.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, spoken, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { CliUser } from '../../support/terminal/cli-user.ts';
import { call } from '../../support/preview/call.ts';
import { serve, share } from '../../support/preview/scene.ts';
import { until } from '../../support/until.ts';

describeDocker('a session in a container, with the real claude', ({ docker, host, image }) => {
  let service: Service;
  let alice: Client;
  /** Of an owner of its own: a session that several tests speak to, for a start takes longer than what most of them ask. */
  let carol: Client;
  let shared: string;

  beforeAll(async () => {
    service = await Service.start({ backend: 'docker', image, runnerEnv: { DOCKER_HOST: host } });
    alice = await service.client('alice');
    carol = await service.client('carol');
    shared = await carol.createSession({ env: { NODE_ENV: 'test', GREETING: 'Grüß "dich"\nund $HOME' } });
  });
  // Its containers would take the places of the next test's.
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await carol?.deleteSessions();
    await service?.stop();
  });

  /** How many events its log has. */
  const length = async () => (await carol.events(shared)).length;

  test('does what it is asked: the file is there, and the result tells what it cost', async () => {
    const id = await alice.createSession({ model: 'opus-4' });
    const answer = await alice.ask(id, 'Create hello.md with a haiku about containers');
    expect(answer).toMatchObject({ status: 'completed', type: 'result', subtype: 'success' });
    expect(answer.usage.output_tokens).toBeGreaterThan(0);
    expect(await readFile(service.workspace(id, 'hello.md'), 'utf8')).toMatch(/\S+\n\S+/);
    expect(await alice.show(id)).toMatchObject({ status: 'idle', total_turns: 1, container_id: `cc-docker-${id}-1` });
    const tools = (await alice.events(id))
      .filter(({ type }) => type === 'assistant')
      .flatMap(({ data }) => data.message.content)
      .filter((block) => block.type === 'tool_use');
    expect(tools.map(({ name }) => name)).toEqual(['Write']);
  });

  test('knows in the second message what the first one was, in the same process', async () => {
    const id = await alice.createSession();
    await alice.ask(id, 'My favourite colour is teal.');
    const { result } = await alice.ask(id, script({ text: 'You said: {{first_prompt}}' }));
    expect(result).toBe('You said: My favourite colour is teal.');
    const ready = (await alice.events(id)).filter(({ type }) => type === 'session.ready');
    expect(ready).toHaveLength(1);
  });

  test('gives the agent’s processes the variables that it was asked for, as they are', async () => {
    const command = `node -e 'console.log(JSON.stringify([process.env.NODE_ENV, process.env.GREETING]))'`;
    const { result } = await carol.ask(
      shared,
      script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' }),
    );
    expect(JSON.parse(result)).toEqual(['test', 'Grüß "dich"\nund $HOME']);
    expect((await carol.show(shared)).config.env).toMatchObject({ NODE_ENV: 'test' });
  });

  test('its environment is built by the command: what setup writes is shown, why it fails, and what is there already', async () => {
    const token = await service.token('alice');
    const user = await CliUser.create({ CC_DOCKER_URL: service.url, CC_DOCKER_TOKEN: token });
    try {
      const set = (setup: string) => user.run(['env', 'set', 'tools', '--setup', '-'], { input: setup });
      await set('echo Getting ready\nfalse\n');
      const failed = await user.run(['env', 'build', 'tools']);
      expect(failed.stdout).toMatch(
        /environment tools: building\nGetting ready\n✗ environment tools: failed in line 2 of setup/,
      );
      expect(failed.code).toBe(1);
      await set(
        `printf '#!/bin/sh\\necho the tool of %s' "$(id -un)" > /usr/local/bin/the-tool\nchmod 755 /usr/local/bin/the-tool\n`,
      );
      const built = await user.run(['env', 'build', 'tools']);
      expect({ code: built.code, stdout: built.stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('tools: ready'),
      });
      const again = await user.run(['env', 'build', 'tools']);
      expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('is there already') });
      expect((await user.run(['ls', '-q'])).stdout).toBe('');
      const builds = (await user.run(['env', 'builds', 'tools'])).stdout.trim().split('\n');
      expect(builds.map((line) => line.split(/ +/)[1])).toEqual(['STATE', 'ready', 'failed']);
      const id = builds[2]?.split(' ')[0] ?? '';
      expect((await user.run(['env', 'log', 'tools', id])).stdout).toContain('Getting ready\n');
      const tool = script({ tool: 'Bash', input: { command: 'the-tool' } }, { text: '{{last_tool_result}}' });
      expect((await user.run(['run', '-q', '--rm', '--environment', 'tools', tool])).stdout).toBe('the tool of root\n');
    } finally {
      await user.remove();
    }
  });

  test('streams: previews as the words are made, then the message, then the result', async () => {
    const before = await length();
    const watcher = carol.watch(shared, before);
    const message = await carol.tell(shared, script({ text: 'one two three four five', tokens_per_second: 20 }));
    await watcher.until(({ type, data }) => type === 'message.completed' && data.message_id === message);
    const types = watcher.seen.map(({ type }) => type);
    const deltas = watcher.seen.filter(({ data }) => data.event?.delta?.type === 'text_delta');
    expect(deltas.length).toBeGreaterThan(2);
    expect(deltas.map(({ data }) => data.event.delta.text).join('')).toBe('one two three four five');
    expect(types.indexOf('stream_event')).toBeLessThan(types.indexOf('assistant'));
    expect(types.indexOf('assistant')).toBeLessThan(types.indexOf('result'));
    const stored = watcher.seen.filter((event) => 'seq' in event);
    expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, index) => before + index + 1));
    expect(await carol.message(shared, message)).toMatchObject({
      status: 'completed',
      result: 'one two three four five',
    });
    watcher.close();
  });

  test('lets a viewer come back with its cursor and miss nothing', async () => {
    const start = await length();
    const first = carol.watch(shared, start);
    await carol.tell(
      shared,
      script({ text: 'a', tokens_per_second: 10 }, { tool: 'Bash', input: { command: 'echo b' } }, { text: 'c' }),
    );
    const { seq } = await first.until(({ type }) => type === 'assistant');
    first.close();
    const second = carol.watch(shared, seq);
    await second.until(({ type }) => type === 'result');
    const rest = second.seen.filter((event) => 'seq' in event);
    expect(rest[0].seq).toBe(seq + 1);
    const before = first.seen.filter((event) => 'seq' in event && event.seq <= seq);
    expect([...before, ...rest]).toEqual((await carol.events(shared)).slice(start, seq + rest.length));
    second.close();
  });

  test('is interrupted in the middle of a sentence, and takes the next message', async () => {
    const watcher = carol.watch(shared, await length());
    const message = await carol.tell(shared, script({ text: 'on and on ', repeat: 1000, tokens_per_second: 20 }));
    await watcher.until(({ data }) => data.event?.delta?.type === 'text_delta');
    const { body } = await carol.call('POST', `/sessions/${shared}/interrupt`);
    expect(body).toEqual({ interrupted: true, message_id: message });
    await watcher.until(({ type, data }) => type === 'message.interrupted' && data.message_id === message);
    expect(await carol.message(shared, message)).toMatchObject({
      status: 'interrupted',
      error: { code: 'interrupted' },
    });
    expect((await carol.ask(shared, script({ text: 'still here' }))).result).toBe('still here');
    watcher.close();
  });

  test('belongs to its owner alone', async () => {
    const bob = await service.client('bob');
    expect((await bob.call('GET', `/sessions/${shared}`)).status).toBe(404);
    expect((await bob.call('POST', `/sessions/${shared}/chat`, { prompt: 'hi' })).status).toBe(404);
    expect((await bob.call('GET', '/sessions')).body.total).toBe(0);
    const watcher = bob.watch(shared, 0);
    await expect(watcher.until(() => true)).rejects.toThrow('ended');
  });

  test('runs where there is no network, no privilege and no secret', async () => {
    const look =
      'id -u; grep CapEff /proc/self/status; ls /sys/class/net; touch /etc/x 2>&1; env | grep -i -E "key|token"';
    const answer = await carol.ask(
      shared,
      script({ tool: 'Bash', input: { command: look } }, { text: '{{last_tool_result}}' }),
    );
    expect(answer.result).toMatch(/^1000$/m);
    expect(answer.result).toMatch(/CapEff:\s+0{16}/);
    expect(answer.result).toMatch(/^lo$/m);
    expect(answer.result).not.toMatch(/^eth/m);
    expect(answer.result).toContain('Read-only file system');
    const { HostConfig } = await docker.getContainer(`cc-docker-${shared}-1`).inspect();
    expect(HostConfig).toMatchObject({
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Privileged: false,
      CapDrop: ['ALL'],
    });
  });

  test('shows what its agent serves: the container has no network, and a browser sees the page change', async () => {
    const served = await serve(carol, shared, 5173, { 'index.html': '<h1>one</h1>' });
    const { body } = await carol.call('GET', `/sessions/${shared}/ports`);
    // The wrapper's own ports, such as the proxy's, are not the agent's.
    expect(body.listening).toEqual([{ port: 5173, process: expect.any(String) }]);
    const url = await share(carol, served);
    expect((await call(service.url, url)).body).toContain('<h1>one</h1>');
    const proxy = await carol.call('POST', `/sessions/${shared}/ports`, { port: await proxyPort(carol, shared) });
    expect(await call(service.url, proxy.body.url)).toMatchObject({
      status: 502,
      body: expect.stringContaining('not'),
    });
    if (!hasChromium()) return;
    const chromium = await Chromium.open(url);
    onTestFinished(() => chromium.stop());
    const shown = () => chromium.evaluate('document.querySelector("h1")?.textContent + document.title');
    await until(async () => expect(await shown()).toBe('onehot hot'));
    await carol.ask(shared, script({ tool: 'Bash', input: { command: 'echo "<h1>two</h1>" > index.html' } }));
    await until(async () => expect(await shown()).toBe('twohot hot'));
  });

  test('denies a tool that it was not given', async () => {
    const id = await alice.createSession({ allowed_tools: ['Read'] });
    const step = { tool: 'Bash', input: { command: 'touch made-it' } };
    await alice.ask(id, script(step, { text: '{{last_tool_result}}' }));
    await expect(readFile(service.workspace(id, 'made-it'))).rejects.toThrow('ENOENT');
  });

  test('stopped, frees its container; the next message wakes it where it was', async () => {
    const id = await alice.createSession();
    await alice.ask(id, 'Create notes.txt saying "kept"');
    await alice.call('POST', `/sessions/${id}/stop`);
    await expect.poll(async () => containers(id)).toEqual([]);
    expect(await alice.show(id)).toMatchObject({ status: 'stopped', reason: { code: 'stopped_by_user' } });
    const { result } = await alice.ask(
      id,
      script(
        { tool: 'Bash', input: { command: 'cat notes.txt' } },
        { text: '{{prompt_count}} {{first_prompt}} {{last_tool_result}}' },
      ),
    );
    expect(result).toContain('2 Create notes.txt saying "kept"');
    expect(result).toContain('kept');
    expect(await alice.show(id)).toMatchObject({ status: 'idle', epoch: 2 });
  });

  test('deleted, leaves nothing: no container, no file, no word', async () => {
    const id = await alice.createSession();
    await alice.ask(id, 'Create gone.txt saying "soon"');
    expect((await alice.call('DELETE', `/sessions/${id}`)).status).toBe(204);
    await expect.poll(async () => containers(id)).toEqual([]);
    await expect.poll(async () => readFile(service.workspace(id, 'gone.txt')).catch(() => 'gone')).toBe('gone');
    expect((await alice.call('GET', `/sessions/${id}/events`)).status).toBe(404);
  });

  test('says many things at once without losing one', async () => {
    const before = await length();
    const steps = Array.from({ length: 20 }, (_, n) => [
      { text: `before ${n}` },
      { tool: 'Bash', input: { command: `echo ${n}` } },
    ]).flat();
    await carol.ask(shared, script(...steps, { text: 'end' }));
    const words = spoken((await carol.events(shared)).slice(before));
    expect(words).toEqual([...Array.from({ length: 20 }, (_, n) => `before ${n}`), 'end']);
  });

  async function containers(id: string): Promise<string[]> {
    const found = await docker.listContainers({ all: true, filters: { label: [`cc-docker.session=${id}`] } });
    return found.flatMap(({ Names }) => Names);
  }
});

/** The port of the container's own proxy, as its tools know it. */
async function proxyPort(client: Client, id: string): Promise<number> {
  const command = { tool: 'Bash', input: { command: 'echo "$HTTPS_PROXY"' } };
  const { result } = await client.ask(id, script(command, { text: '{{last_tool_result}}' }));
  return Number(/:(\d+)/.exec(result.replace('://', ''))?.[1]);
}
