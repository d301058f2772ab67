import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import type { User } from '../../support/api.ts';
import { emptyPool, pool } from '../../support/pool.ts';
import { FakeRunner, storage } from '../../support/runner.ts';
import { park, parkSaved, ran, sessionObject, SHARED, sharing, show, wake } from '../../support/scene.ts';
import { callFiles, dialTransfer, FakeTransfer } from './support/transfer.ts';
import { runnerToken } from '../../support/runner-token.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);

const read = (user: User, id: string) => callFiles(user, 'GET', `${id}/files/a.txt`);
const write = (user: User, id: string) => callFiles(user, 'PUT', `${id}/files/a.txt`, { body: 'new' });

const order = (runner: FakeRunner, id: string) =>
  runner.control.next(({ kind, session_id }) => kind === 'transfer' && session_id === id);

const leave = async (runner: FakeRunner) => {
  const { length } = (await pool().health()).runners;
  runner.control.close();
  await expect.poll(async () => (await pool().health()).runners.length).toBe(length - 1);
};

async function answerWrite(runner: FakeRunner, id: string) {
  const ordered = await order(runner, id);
  const transfer = await FakeTransfer.dial(runner, ordered);
  await transfer.body();
  transfer.json({ path: 'a.txt', files: 1, bytes: 3 });
  return ordered;
}

describe('files of a parked session', () => {
  it('that are saved are read where they are at hand, and else on any runner that can restore them', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const snapshot = await parkSaved(scene);
    const other = await sharing();
    const here = read(user, id);
    const at = await order(runner, id);
    expect(at.files).toMatchObject({ local: 'preferred', workspace: snapshot, version: 2 });
    (await FakeTransfer.dial(runner, at)).refuse('file_not_found');
    expect((await here).status).toBe(404);
    await leave(runner);
    const there = read(user, id);
    const elsewhere = await order(other, id);
    expect(elsewhere.files).toMatchObject({ local: 'stale', workspace: snapshot, version: 2 });
    (await FakeTransfer.dial(other, elsewhere)).json({});
    expect((await there).status).toBe(200);
    expect((await show(user, id)).files).toMatchObject({ saved: true, runner: runner.name });
  });

  it('that are not saved are reached on their runner alone', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    await park(scene);
    await sharing();
    const reading = read(user, id);
    const at = await order(runner, id);
    expect(at.files.local).toBe('required');
    (await FakeTransfer.dial(runner, at)).json({});
    expect((await reading).status).toBe(200);
    await leave(runner);
    const refused = await read(user, id);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain(runner.name);
  });

  it('that are written are that runner’s alone from then on, until it has saved them', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const before = await parkSaved(scene);
    const other = await sharing();
    await leave(runner);
    const writing = write(user, id);
    const at = await answerWrite(other, id);
    expect(await (await writing).text()).toContain('a.txt');
    expect(at.files).toMatchObject({ local: 'stale', workspace: before, version: 3 });
    expect((await show(user, id)).files).toEqual({ runner: other.name, saved: false, snapshot_id: before });
    await evict(sessionObject(id));
    const back = (await FakeRunner.reconnect(runner.name, [], { storage: storage(SHARED) })).runner;
    await wake(user, id);
    expect((await other.launch(id)).files.local).toBe('required');
    expect(back.control.unread(({ kind }) => kind === 'launch')).toBe(0);
    const { snapshot_id } = await other.report(id, { version: 3, storage: SHARED, trigger: 'written' });
    const [newest] = (await user.call('GET', `/sessions/${id}/snapshots`)).body.data;
    expect(newest).toMatchObject({ snapshot_id, trigger: 'written' });
  });

  it('are as they were after a write that nobody came for', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const snapshot = await parkSaved(scene);
    const writing = write(user, id);
    const { transfer_id } = await order(runner, id);
    const refusal = { code: 'storage_unavailable' as const, detail: 'The storage is down.' };
    runner.send({ kind: 'transfer_refused', session_id: id, transfer_id, refusal });
    expect((await writing).status).toBe(503);
    expect((await show(user, id)).files).toEqual({ runner: runner.name, saved: true, snapshot_id: snapshot });
  });

  it('are not written by a runner that comes after the session was woken, or evicted', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    await parkSaved(scene);
    const token = await runnerToken(runner.name);
    const overtaken = write(user, id);
    const first = await order(runner, id);
    await wake(user, id);
    await runner.launch(id);
    expect((await dialTransfer(id, first.transfer_id, token)).status).toBe(404);
    expect((await overtaken).status).toBe(503);
    const again = await ran({}, user, runner);
    await parkSaved(again);
    const cut = write(user, again.id).catch(() => null);
    const second = await order(runner, again.id);
    await runInDurableObject(sessionObject(again.id), (_, ctx) => ctx.abort('moved')).catch(() => undefined);
    expect((await dialTransfer(again.id, second.transfer_id, token)).status).toBe(404);
    await cut;
    expect((await show(user, again.id)).files).toMatchObject({ saved: true });
  });

  it('are read as they are after a write that is still on its way', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    await parkSaved(scene);
    const writing = write(user, id);
    const first = await order(runner, id);
    const reading = read(user, id);
    const transfer = await FakeTransfer.dial(runner, first);
    const second = await order(runner, id);
    expect(second.files).toMatchObject({ local: 'required', version: first.files.version });
    await transfer.body();
    transfer.json({ path: 'a.txt', files: 1, bytes: 3 });
    (await FakeTransfer.dial(runner, second)).json({});
    expect([(await writing).status, (await reading).status]).toEqual([200, 200]);
  });
});

describe('files of a session that waits for a place', () => {
  it('are read as they were left, and not written', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const snapshot = await parkSaved(scene);
    runner.send({ kind: 'draining' });
    await expect.poll(async () => (await pool().health()).runners[0]?.draining).toBe(true);
    await wake(user, id);
    await expect.poll(async () => (await show(user, id)).reason?.code).toBe('no_runner');
    const reading = read(user, id);
    const at = await order(runner, id);
    expect(at.files).toMatchObject({ local: 'preferred', workspace: snapshot, version: 2 });
    (await FakeTransfer.dial(runner, at)).json({});
    expect((await reading).status).toBe(200);
    const refused = await write(user, id);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('waits for a place');
  });
});

describe('files of a running session', () => {
  it('are its runner’s, and a write needs no place of its own', async () => {
    const { user, runner, id, container } = await ran();
    await sharing();
    const writing = write(user, id);
    const at = await answerWrite(runner, id);
    expect(at.files).toMatchObject({ local: 'required', version: container.launch.files.version });
    expect((await writing).status).toBe(200);
  });
});

describe('files of a persistent workspace', () => {
  it('are written once the workspace is held, and it is let go when they are saved', async () => {
    const site = { workspace: { type: 'persistent', id: 'site' } };
    const first = await ran(site);
    const { user, runner, id } = first;
    await parkSaved(first);
    const held = async () => (await user.call('GET', '/workspaces/site')).body.held_by;
    await expect.poll(held).toBeNull();
    const second = await ran(site, user, runner);
    const refused = await write(user, id);
    expect(await refused.text()).toContain(second.id);
    const left = await parkSaved(second);
    await expect.poll(held).toBeNull();
    const reading = read(user, id);
    const at = await order(runner, id);
    expect(at.files).toMatchObject({ local: 'stale', workspace: left });
    (await FakeTransfer.dial(runner, at)).json({});
    await reading;
    expect(await held()).toBeNull();
    const writing = write(user, id);
    const { files } = await answerWrite(runner, id);
    expect((await writing).status).toBe(200);
    expect(await held()).toBe(id);
    await runner.report(id, { version: files.version, storage: SHARED, trigger: 'written' });
    await expect.poll(held).toBeNull();
    expect((await user.call('GET', '/workspaces/site')).body.snapshot_id).not.toBe(left);
  });

  it('are free again after a write that came to nothing', async () => {
    const scene = await ran({ workspace: { type: 'persistent', id: 'site' } });
    const { user, runner, id } = scene;
    await parkSaved(scene);
    const held = async () => (await user.call('GET', '/workspaces/site')).body.held_by;
    await expect.poll(held).toBeNull();
    await leave(runner);
    expect((await write(user, id)).status).toBe(503);
    await expect.poll(held).toBeNull();
  });
});
