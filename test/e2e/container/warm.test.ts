import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';
import { nextSpare, spareOf } from '../../support/warm/spares.ts';

const bash = (command: string) => script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' });

const spareName = (spare: string) => `cc-docker-${spare}-1`;

describeDocker('a session that starts from a spare, with the real claude', ({ docker, host, image }) => {
  let service: Service;
  let alice: Client;
  let bob: Client;
  /** The last session that was started. */
  let last: string;
  /** Those that were started at once. */
  let pair: string[];

  beforeAll(async () => {
    const runnerEnv = { DOCKER_HOST: host, WARM_SESSIONS: '1', LOG_LEVEL: 'debug' };
    service = await Service.start({ backend: 'docker', image, runnerEnv });
    alice = await service.client('alice');
    bob = await service.client('bob');
  });
  afterAll(async () => {
    await alice?.deleteSessions();
    await bob?.deleteSessions();
    await service?.stop();
  });

  const inspect = (name: string) => docker.getContainer(name).inspect();
  const exec = async (name: string, command: string): Promise<string> => {
    const { Id } = await inspect(name);
    return execFileSync('docker', [...(host === undefined ? [] : ['-H', host]), 'exec', Id, 'sh', '-c', command], {
      encoding: 'utf8',
    });
  };

  test('before it is claimed, a spare has nothing that is of use: one socket, dummies, and no network', async () => {
    const spare = await nextSpare(service);
    const found = await exec(
      spareName(spare),
      'find /run/cc-docker -type s; ls /workspace | wc -l; ls /sys/class/net; cat /run/cc-docker/spare.json',
    );
    const [sockets, files, network, json = ''] = found.trim().split('\n');
    expect([sockets, files, network]).toEqual(['/run/cc-docker/spare.sock', '0', 'lo']);
    const { env } = JSON.parse(json);
    expect(env.ANTHROPIC_API_KEY).toContain('dummy');
    expect(await readdir(path.join(service.folder, 'runner', 'sessions'))).toEqual([]);
  });

  test('the session has the container that waited, and all that it asked for', async () => {
    const spare = await nextSpare(service);
    const { Id } = await inspect(spareName(spare));
    const id = await alice.createSession({ model: 'haiku-4', system_prompt: 'The word is walrus.' });
    await alice.ask(id, 'My favourite colour is teal.');
    const { result } = await alice.ask(id, bash('pwd; id -un; echo kept > a.txt; mktemp -d >/dev/null && echo made'));
    expect(result.trim().split('\n')).toEqual(['/workspace', 'agent', 'made']);
    expect(spareOf(service, id)).toBe(spare);
    expect((await inspect(`cc-docker-${id}-1`)).Id).toBe(Id);
    expect(await readFile(service.workspace(id, 'a.txt'), 'utf8')).toBe('kept\n');
    expect(await alice.show(id)).toMatchObject({ status: 'idle', epoch: 1, container_id: `cc-docker-${id}-1` });
    const events = await alice.events(id);
    expect(events.find(({ type }) => type === 'session.sealed').data.probes).toContain('network');
    expect(events.filter(({ type }) => type === 'session.ready')).toHaveLength(1);
    expect(events.find(({ data }) => data.subtype === 'init').data).toMatchObject({ cwd: '/workspace' });
    const models = events.flatMap(({ type, data }) => (type === 'assistant' ? [data.message.model] : []));
    expect(models.every((model) => model.includes('haiku'))).toBe(true);

    // Its conversation is the spare’s own, and goes on in a container that starts cold.
    await alice.park(id);
    const answer = await alice.ask(id, script({ text: 'You said: {{first_prompt}}' }));
    expect(answer.result).toBe('You said: My favourite colour is teal.');
    expect(await alice.show(id)).toMatchObject({ epoch: 2 });
    last = id;
  });

  test('of what one owner’s session has left in its spare, another owner’s finds nothing', async () => {
    await nextSpare(service, last);
    const word = `word-${randomUUID()}`;
    const own = await alice.createSession();
    const places = '/workspace /claude /home/agent /tmp';
    await alice.ask(own, bash(`for at in ${places}; do echo ${word} > $at/left.txt; done; (${word}=1 sleep 3600 &)`));
    const first = spareOf(service, own);
    const second = await nextSpare(service, own);
    const other = await bob.createSession();
    const seek = `grep -rl ${word.slice(0, 20)} ${places} /run/cc-docker /proc/*/environ 2>/dev/null; ls ${places}; true`;
    const { result } = await bob.ask(other, bash(seek));
    expect(spareOf(service, other)).toBe(second);
    expect(first).not.toBe(second);
    expect(result).not.toContain('left.txt');
    const containers = await Promise.all([own, other].map((id) => inspect(`cc-docker-${id}-1`)));
    expect(containers[0]?.Id).not.toBe(containers[1]?.Id);
    // Each is the same owner's for good: the first goes with its session, and nobody gets it again.
    await alice.deleteSessions();
    await until(async () =>
      expect(await docker.listContainers({ all: true, filters: { id: [containers[0]?.Id ?? ''] } })).toEqual([]),
    );
    last = other;
  });

  test('two owners at once: a spare is one session’s alone', async () => {
    const spare = await nextSpare(service, last);
    const [a, b] = await Promise.all([alice.createSession(), bob.createSession()]);
    const answers = await Promise.all([
      alice.ask(a, bash('cat /run/cc-docker/launch.json')),
      bob.ask(b, bash('cat /run/cc-docker/launch.json')),
    ]);
    expect(answers.map(({ result }) => JSON.parse(result).session_id)).toEqual([a, b]);
    const spares = [a, b].map((id) => spareOf(service, id));
    expect(spares.filter((one) => one === spare)).toHaveLength(1);
    expect(new Set(spares).size).toBe(2);
    const [Ida, Idb] = await Promise.all([a, b].map(async (id) => (await inspect(`cc-docker-${id}-1`)).Id));
    expect(Ida).not.toBe(Idb);
    last = spares[0] === spare ? a : b;
    pair = [a, b];
  });

  test('a runner that is killed finds the container of a claimed spare again, and removes a spare that nobody has', async () => {
    const mine = last;
    const owner = (await alice.show(mine)).session_id === mine ? alice : bob;
    const begun = (await inspect(`cc-docker-${mine}-1`)).Id;
    const spare = await nextSpare(service, ...pair);
    const unclaimed = (await inspect(spareName(spare))).Id;
    await service.stopRunner('SIGKILL');
    await service.startRunner();
    expect((await owner.ask(mine, script({ text: 'still here' }))).result).toBe('still here');
    expect((await inspect(`cc-docker-${mine}-1`)).Id).toBe(begun);
    expect((await owner.events(mine)).filter(({ type }) => type === 'session.ready')).toHaveLength(1);
    await until(async () =>
      expect(await docker.listContainers({ all: true, filters: { id: [unclaimed] } })).toEqual([]),
    );
  });
});
