import { createHash } from 'node:crypto';
import { glob, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

const shell = (command: string) => ({ tool: 'Bash', input: { command } });
const share = (input: object) => ({ tool: 'mcp__cc-docker__share_artifact', input });
const said = { text: 'It said: {{last_tool_result}}' };
const TOOLS = { agent_tools: ['share_artifact'] };
const SIZE = 3_000_000;
/** Bytes that a shell can make and a test can check. */
const MAKE = `mkdir -p out && head -c ${SIZE} /dev/urandom > out/data.bin && sha256sum out/data.bin`;

const hash = async (response: Response) =>
  createHash('sha256')
    .update(Buffer.from(await response.arrayBuffer()))
    .digest('hex');

describeDocker('artifacts, with the real claude', ({ host, image }) => {
  let service: Service;
  let alice: Client;

  beforeAll(async () => {
    service = await Service.start({ backend: 'docker', image, runnerEnv: { DOCKER_HOST: host } });
    alice = await service.client('alice');
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => await service?.stop());

  const list = async (id: string) => (await alice.call('GET', `/sessions/${id}/artifacts`)).body.data;
  const download = (id: string, artifact: string, by = alice) =>
    by.raw('GET', `/sessions/${id}/artifacts/${artifact}/content`);
  const shared = async (id: string) =>
    (await alice.events(id)).filter(({ type }) => type === 'session.artifact').map(({ data }) => data);
  /** What the runner's storage holds of a kind. */
  const inStorage = async (kind: 'packs' | 'trees', ends = '') => {
    const found = [];
    const storage = path.join(service.folder, 'runner', 'storage');
    for await (const file of glob(`owners/*/${kind}/*${ends}`, { cwd: storage })) found.push(path.basename(file));
    return found;
  };

  test('a file that is shared is downloaded as it was: from the parked session, after it changed, until the session is deleted', async () => {
    const id = await alice.createSession(TOOLS);
    const file = { path: '/workspace/out/data.bin', name: 'Daten „Mai“.bin', description: 'All of May.' };
    const { result, status } = await alice.ask(id, script(shell(MAKE), share(file), said));
    expect(status).toBe('completed');
    const [event] = await shared(id);
    expect(event).toMatchObject({ name: file.name, description: file.description, path: 'out/data.bin', bytes: SIZE });
    expect(result).toContain(event.artifact_id);
    expect(await list(id)).toMatchObject([{ ...event, session_id: id }]);
    const response = await download(id, event.artifact_id);
    expect(response.headers.get('content-disposition')).toContain(`filename*=UTF-8''Daten%20%E2%80%9EMai%E2%80%9C.bin`);
    expect(await hash(response)).toBe(event.sha256);

    await alice.ask(id, script(shell('echo other > out/data.bin'), said));
    expect(await hash(await download(id, event.artifact_id))).toBe(event.sha256);
    await alice.park(id);
    expect(await hash(await download(id, event.artifact_id))).toBe(event.sha256);
    // The runner's own copy of the session's files is of no account.
    await rm(path.join(service.folder, 'runner', 'sessions', id, 'workspace'), { recursive: true });
    expect(await hash(await download(id, event.artifact_id))).toBe(event.sha256);
    const bob = await service.client('bob');
    expect((await download(id, event.artifact_id, bob)).status).toBe(404);

    expect(await inStorage('trees', '.artifact')).toEqual([`${event.artifact_id}.artifact`]);
    expect((await alice.call('DELETE', `/sessions/${id}`)).status).toBe(204);
    expect((await download(id, event.artifact_id)).status).toBe(404);
    await until(async () => expect(await inStorage('trees', '.artifact')).toEqual([]));
  });

  test('what is no file of the workspace is an error that the agent reads', async () => {
    const id = await alice.createSession(TOOLS);
    const plant = shell('ln -s /etc/passwd out; mkdir folder');
    for (const [at, words] of [
      ['none.pdf', 'file_not_found'],
      ['out', 'symlink'],
      ['folder', 'pack a folder into an archive'],
      ['/etc/passwd', 'path_invalid'],
      ['../claude/x', 'path_invalid'],
    ] as const) {
      const { result } = await alice.ask(id, script(...(at === 'none.pdf' ? [plant] : []), share({ path: at }), said));
      expect(result, at).toContain(words);
    }
    expect(await list(id)).toEqual([]);
    expect(await shared(id)).toEqual([]);
  });

  test('shared, and the runner and the edge killed while the copy is made: it is shared once they are back, and once', async () => {
    const id = await alice.createSession(TOOLS);
    // Six packs: once the first is there, the others still take long enough.
    const made = await alice.ask(id, script(shell('head -c 100000000 /dev/urandom > large && sha256sum large'), said));
    const before = (await inStorage('packs')).length;
    const watcher = alice.watch(id, (await alice.show(id)).last_seq);
    const message = await alice.tell(id, script(share({ path: 'large' }), said));
    await watcher.until(({ type, data }) => type === 'assistant' && JSON.stringify(data).includes('share_artifact'));
    const begun = async () => expect((await inStorage('packs')).length).toBeGreaterThan(before);
    await until(begun, 5);
    await service.stopRunner('SIGKILL');
    watcher.close();
    expect(await inStorage('trees', '.artifact')).toEqual([]);
    await service.stopEdge();
    await service.startEdge();
    await service.startRunner();
    const view = await until(async () => {
      const found = await alice.message(id, message);
      expect(found.finished_at).not.toBeNull();
      return found;
    });
    expect(view).toMatchObject({ status: 'completed' });
    const [event, ...more] = await shared(id);
    expect(more).toEqual([]);
    expect(made.result).toContain(event.sha256);
    expect(await hash(await download(id, event.artifact_id))).toBe(event.sha256);
    expect(await list(id)).toHaveLength(1);
    expect(await inStorage('trees', '.artifact')).toEqual([`${event.artifact_id}.artifact`]);
  });
});
