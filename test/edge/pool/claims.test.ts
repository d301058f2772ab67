import { beforeEach, describe, expect, inject, it } from 'vitest';
import { dial, request, User } from '../support/api.ts';
import { runnerToken } from '../support/runner-token.ts';
import { emptyPool, pool } from '../support/pool.ts';
import { FakeRunner } from '../support/runner.ts';
import { ran, show } from '../support/scene.ts';

/** What a runner says is checked against what was placed on it. */

beforeEach(emptyPool);

const LOST = { code: 'container_exited', detail: 'forged' } as const;
const FACTS = { resources: { memory_mb: 1, cpus: 1, pids: 1, workspace_mb: 1 }, exposed_secrets: ['forged'] };

const knock = async (name: string) =>
  request('/api/v1/runner/control', {
    headers: { authorization: `Bearer ${await runnerToken(name)}`, upgrade: 'websocket' },
  });

const hello = async (backend: 'docker' | 'process') => {
  const name = crypto.randomUUID();
  const control = await dial('/control', await runnerToken(name));
  const fine = { ok: true, detail: 'fine' };
  const storage = { id: name, kind: 'folder', health: fine };
  control.send({ kind: 'hello', version: '0', backend, health: fine, capacity: 1, labels: {}, storage, running: [] });
  return control;
};

describe('a runner that speaks of a session of another’s', () => {
  it('neither ends its container, nor says how it is, nor takes its place, nor has its snapshots', async () => {
    const { user, id, container } = await ran();
    const other = await FakeRunner.connect();
    const key = { session_id: id, epoch: container.launch.epoch };
    const before = await show(user, id);
    other.send({ kind: 'started', ...key, ...FACTS });
    other.send({ kind: 'ended', ...key, reason: LOST });
    // Answered, so that a runner whose place was given up long ago does not repeat it for ever.
    await other.control.next(({ kind }) => kind === 'ended_ack');
    other.send({ kind: 'removed', session_id: id });
    const { snapshot_id } = await other.report(id, { version: 99 });
    const after = await show(user, id);
    expect(after).toEqual(before);
    const { body } = await user.call('GET', `/sessions/${id}/snapshots`);
    expect(body.data.map((one: { snapshot_id: string }) => one.snapshot_id)).not.toContain(snapshot_id);
    // Its own goes on with it.
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'still there?' });
    expect((await container.prompt()).prompt).toBe('still there?');
  });

  it('does not refuse its transfers', async () => {
    const { user, id, runner } = await ran();
    const other = await FakeRunner.connect();
    const reading = user.call('GET', `/sessions/${id}/files/hello.txt`);
    const { transfer_id } = await runner.control.next(({ kind }) => kind === 'transfer');
    const forged = { code: 'file_not_found', detail: 'forged' } as const;
    other.send({ kind: 'transfer_refused', session_id: id, transfer_id, refusal: forged });
    // Handled in order.
    await other.report(id, {});
    const refusal = { code: 'files_unavailable', detail: 'by its own runner' } as const;
    runner.send({ kind: 'transfer_refused', session_id: id, transfer_id, refusal });
    expect((await reading).body).toMatchObject({ code: 'files_unavailable', detail: 'by its own runner' });
  });
});

describe('a second connection in a runner’s name', () => {
  it('is refused while the first one lives, which keeps its sessions', async () => {
    const { user, id, runner, container } = await ran();
    const second = knock(runner.name);
    await runner.control.next(({ kind }) => kind === 'probe');
    runner.send({ kind: 'alive' });
    const { status, body } = await second;
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'runner_connected', detail: expect.stringContaining('a name of its own') });
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'still there?' });
    expect((await container.prompt()).prompt).toBe('still there?');
  });

  it('takes the place of a first one that does not answer', async () => {
    const first = await FakeRunner.connect();
    await FakeRunner.reconnect(first.name, []);
    expect((await first.control.closed()).code).toBe(4409);
  });

  it('takes the place at once when the first one ends meanwhile', async () => {
    const first = await FakeRunner.connect();
    const begun = Date.now();
    const second = FakeRunner.reconnect(first.name, []);
    await first.control.next(({ kind }) => kind === 'probe');
    first.control.close();
    await second;
    expect(Date.now() - begun).toBeLessThan(inject('waitMs') / 12);
  });
});

describe('runners with containers and runners without', () => {
  it('are not in one pool: the second kind is refused, with what to set', async () => {
    await FakeRunner.connect('with-containers', { backend: 'docker' });
    const { code, reason } = await (await hello('process')).closed();
    expect(code).toBe(4403);
    expect(reason).toMatch(/with-containers is a docker runner: set MIX_ISOLATION=true/);
    expect((await pool().health()).runners).toHaveLength(1);
    await (await hello('docker')).next(({ kind }) => kind === 'welcome');
  });

  it('a session that requires a container waits for a runner that has them, and says so; its children inherit it', async () => {
    const user = new User();
    const runner = await FakeRunner.connect(undefined, { backend: 'process' });
    const id = await user.createSession({ isolation: 'container' });
    await expect.poll(async () => (await show(user, id)).reason?.detail).toMatch(/requires `isolation: "container"`/);
    expect(runner.control.unread(({ kind }) => kind === 'launch')).toBe(0);
    expect((await user.call('POST', '/sessions', { config: { isolation: 'none' } })).status).toBe(422);
    const { body } = await user.call('POST', `/sessions/${id}/spawn`, { prompt: 'go' });
    expect((await show(user, body.child_session_id)).config.isolation).toBe('container');
    runner.control.close();
    await expect.poll(async () => (await pool().health()).runners).toEqual([]);
    const isolating = await FakeRunner.connect(undefined, { backend: 'docker' });
    expect((await isolating.launch(id)).config.isolation).toBe('container');
  });
});
