import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { ObjectStorage } from '../../support/object-storage/object-storage.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

const write = (name: string, content: string) =>
  script({ tool: 'Write', input: { file_path: `/workspace/${name}`, content } }, { text: 'written' });
const read = (name: string) =>
  script({ tool: 'Bash', input: { command: `cat ${name}` } }, { text: 'It holds: {{last_tool_result}}' });

describeDocker('sessions that sleep and move, with the real claude and an S3', ({ docker, host, image }) => {
  let service: Service;
  let storage: ObjectStorage;
  let alice: Client;

  beforeAll(async () => {
    storage = await ObjectStorage.start();
    const runnerEnv = { DOCKER_HOST: host, ...storage.environment };
    service = await Service.start({ backend: 'docker', image, runnerEnv });
    alice = await service.client('alice');
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await service?.stop();
    await storage?.stop();
  });

  const containersOf = async (session: string) =>
    await docker.listContainers({ all: true, filters: { label: [`cc-docker.session=${session}`] } });

  test('parked on one runner, woken on another: files and conversation are there', async () => {
    const id = await alice.createSession();
    await alice.ask(id, 'My favourite colour is teal.');
    await alice.ask(id, write('notes/plan.md', 'buy a harbour\n'));
    await alice.ask(id, script({ tool: 'Bash', input: { command: 'chmod 750 notes && ln -s plan.md notes/link' } }));
    const parked = await alice.park(id);
    expect(parked).toMatchObject({ status: 'stopped', reason: { code: 'stopped_by_user' }, files: { runner: 'e2e' } });
    expect(await containersOf(id)).toEqual([]);

    await service.stopRunner();
    await service.addRunner('other');
    try {
      expect((await alice.ask(id, read('notes/link'))).result).toContain('buy a harbour');
      const { result } = await alice.ask(id, script({ text: 'You said: {{first_prompt}}' }));
      expect(result).toBe('You said: My favourite colour is teal.');
      const mode = script(
        { tool: 'Bash', input: { command: 'stat -c %a:%U notes' } },
        { text: '{{last_tool_result}}' },
      );
      expect((await alice.ask(id, mode)).result).toContain('750:agent');
      expect(await alice.show(id)).toMatchObject({ files: { runner: 'other', saved: false }, epoch: 2 });
      const restored = (await alice.events(id)).filter(({ type }) => type === 'workspace.restored');
      expect(restored.length).toBeGreaterThan(0);

      // And back again: what the first runner still has is older than what the other one saved.
      await alice.ask(id, write('notes/plan.md', 'sell the harbour\n'));
      await alice.park(id);
      await service.removeRunner('other');
      await service.startRunner();
      expect((await alice.ask(id, read('notes/plan.md'))).result).toContain('sell the harbour');
    } finally {
      await service.removeRunner('other');
    }
  });

  test('an idle session parks by itself and costs nothing; the next message wakes it where it was', async () => {
    const id = await alice.createSession({ idle_timeout_seconds: 1 });
    await alice.ask(id, write('here.txt', 'still here'));
    const parked = await alice.until(id, ({ status, files }) => status === 'stopped' && files.saved);
    expect(parked.reason.code).toBe('idle_timeout');
    await until(async () => expect(await containersOf(id)).toEqual([]));
    expect((await alice.ask(id, read('here.txt'))).result).toContain('still here');
    expect((await alice.show(id)).epoch).toBe(2);
  });

  test('storage down: the session works on, nothing is called saved, and the snapshot comes when storage is back', async () => {
    const id = await alice.createSession();
    await alice.ask(id, write('a.txt', 'one'));
    await storage.down();
    try {
      await alice.call('POST', `/sessions/${id}/stop`);
      await alice.until(id, ({ status }) => status === 'stopped');
      const pending = await until(async () => {
        const news = (await alice.events(id)).filter(({ type }) => type === 'workspace.snapshot');
        expect(news.map(({ data }) => data.state)).toContain('pending');
        return news;
      });
      expect(pending.map(({ data }) => data.state)).not.toContain('stored');
      expect((await alice.show(id)).files).toMatchObject({ saved: false, snapshot_id: null });
      expect((await alice.ask(id, read('a.txt'))).result).toContain('one');
      await alice.call('POST', `/sessions/${id}/stop`);
    } finally {
      await storage.up();
    }
    const saved = await alice.until(id, ({ files }) => files.saved);
    const { body } = await alice.call('GET', `/sessions/${id}/snapshots`);
    expect(body.data[0]).toMatchObject({ snapshot_id: saved.files.snapshot_id, state: 'stored' });
  });

  test('a snapshot on request while it works; the second sends only what changed', async () => {
    const id = await alice.createSession();
    await alice.ask(id, script({ tool: 'Bash', input: { command: 'head -c 8000000 /dev/urandom > big.bin' } }));
    const first = await snapshot(id);
    expect(first.new_bytes).toBeGreaterThan(8_000_000);
    await alice.ask(id, write('small.txt', 'a few bytes'));
    const second = await snapshot(id);
    expect(second.bytes).toBeGreaterThan(8_000_000);
    expect(second.new_bytes).toBeLessThan(1_000_000);
    expect((await storage.keys()).length).toBeGreaterThan(3);

    async function snapshot(session: string) {
      const asked = await alice.call('POST', `/sessions/${session}/snapshots`);
      expect([201, 202]).toContain(asked.status);
      return await until(async () => {
        const { body } = await alice.call('GET', `/sessions/${session}/snapshots/${asked.body.snapshot_id}`);
        expect(body.state).toBe('stored');
        return body;
      });
    }
  });

  test('a runner killed while it saves, and an edge that was away: nothing is called saved before it is, and then it is whole', async () => {
    const id = await alice.createSession();
    await alice.ask(id, write('small.txt', 'before'));
    const first = await alice.park(id);
    const make = 'head -c 20000000 /dev/urandom > big.bin && sha256sum big.bin';
    const { result } = await alice.ask(
      id,
      script({ tool: 'Bash', input: { command: make } }, { text: '{{last_tool_result}}' }),
    );
    const [sum = 'none'] = /[0-9a-f]{64}/.exec(result) ?? [];
    storage.stall();
    try {
      await alice.call('POST', `/sessions/${id}/stop`);
      await until(async () => expect(await containersOf(id)).toEqual([]));
      await service.stopRunner('SIGKILL');
    } finally {
      storage.goOn();
    }
    const { files } = await alice.show(id);
    expect(files).toEqual({ runner: 'e2e', saved: false, snapshot_id: first.files.snapshot_id });

    await service.stopEdge();
    await service.startEdge();
    await service.startRunner();
    const saved = await alice.until(id, (session) => session.files.saved);
    expect(saved.files.snapshot_id).not.toBe(first.files.snapshot_id);
    const states = (await alice.events(id)).filter(({ type }) => type === 'workspace.snapshot');
    const ended = states.filter(({ data }) => data.state === 'stored').map(({ data }) => data.snapshot_id);
    expect(new Set(ended).size).toBe(ended.length);

    await service.stopRunner();
    await service.addRunner('rescuer');
    try {
      const check = script({ tool: 'Bash', input: { command: 'sha256sum big.bin' } }, { text: '{{last_tool_result}}' });
      expect((await alice.ask(id, check)).result).toContain(sum);
    } finally {
      await service.removeRunner('rescuer');
      await service.startRunner();
    }
  });

  test('files that were on the runner alone and are gone: the session says so, and a fork goes on from what was saved', async () => {
    const id = await alice.createSession();
    await alice.ask(id, write('a.txt', 'saved'));
    await alice.park(id);
    await alice.ask(id, write('a.txt', 'never saved'));
    // The machine dies with its disk.
    await service.stopRunner('SIGKILL');
    for (const { Id } of await containersOf(id)) await docker.getContainer(Id).remove({ force: true });
    const sessions = path.join(service.folder, 'runner', 'sessions');
    await mkdir(path.join(service.folder, 'lost'), { recursive: true });
    await rename(path.join(sessions, id), path.join(service.folder, 'lost', id));
    await service.startRunner();
    await alice.until(id, ({ status }) => status === 'failed' || status === 'stopped');
    const { body } = await alice.call('POST', `/sessions/${id}/chat`, { prompt: read('a.txt'), stream: false });
    expect(body).toMatchObject({ status: 'failed' });
    expect((await alice.show(id)).reason.code).toBe('files_lost');

    const { files } = await alice.show(id);
    const fork = await alice.call('POST', `/sessions/${id}/fork`, { snapshot: files.snapshot_id });
    expect(fork.status).toBe(201);
    expect((await alice.ask(fork.body.session_id, read('a.txt'))).result).toContain('It holds: saved');
  });
});
