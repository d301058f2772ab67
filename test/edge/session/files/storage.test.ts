import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { OwnerStorage } from '../../../../durable/directory/storage.ts';
import { Session } from '../../../../durable/session/session.ts';
import { edgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import type { User } from '../../support/api.ts';
import { spawn } from '../children/support/family.ts';
import { emptyPool } from '../../support/pool.ts';
import type { FakeRunner } from '../../support/runner.ts';
import { park, parkSaved, ran, sessionObject, SHARED, sharing, show, wake } from '../../support/scene.ts';

beforeEach(emptyPool);

const trees = (...ids: string[]) =>
  ids.flatMap((snapshot_id) => [
    { snapshot_id, tree: 'workspace' as const },
    { snapshot_id, tree: 'conversation' as const },
  ]);

const names = (list: { snapshot_id: string; tree: string }[]) =>
  list.map(({ snapshot_id, tree }) => `${snapshot_id} ${tree}`).toSorted();

async function sweep(runner: FakeRunner, owner: string, ...ids: string[]) {
  runner.send({ kind: 'sweep', owner, trees: trees(...ids) });
  return names(await runner.dropped());
}

const list = async (user: User, id: string): Promise<string[]> =>
  (await user.call('GET', `/sessions/${id}/snapshots?limit=200`)).body.data.map(
    (row: { snapshot_id: string }) => row.snapshot_id,
  );

describe('retention', () => {
  it('keeps the newest of a session’s snapshots, what was asked for the longest, and drops the rest', async () => {
    const { user, runner, id, container } = await ran();
    const { version } = container.launch.files;
    const told = { version, storage: SHARED, final: false };
    const { snapshot_id: asked } = (await user.call('POST', `/sessions/${id}/snapshots`)).body;
    await runner.report(id, { ...told, snapshot_id: asked, trigger: 'requested' });
    const periodic: string[] = [];
    for (let n = 0; n < 12; n += 1) {
      periodic.push((await runner.report(id, { ...told, trigger: 'periodic' })).snapshot_id);
    }
    await expect.poll(async () => (await list(user, id)).length).toBe(10);
    expect(await list(user, id)).toEqual([...periodic.slice(3).toReversed(), asked]);
    for (const gone of periodic.slice(0, 3)) expect(names(await runner.dropped())).toEqual(names(trees(gone)));
    const path = `/sessions/${id}/snapshots/${periodic[0]}`;
    expect((await user.call('GET', path)).body.code).toBe('snapshot_not_found');
  });

  it('never drops what a living session began with, or would be restored from', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const origin = await parkSaved(scene);
    const fork = (await user.call('POST', `/sessions/${id}/fork`, {})).body.session_id;
    await runner.launch(fork);
    await wake(user, id);
    const again = await runner.start(id);
    const { version } = again.launch.files;
    for (let n = 0; n < 14; n += 1) {
      await runner.report(id, { version, storage: SHARED, final: false, trigger: 'periodic' });
    }
    await expect.poll(async () => (await list(user, id)).length).toBe(10);
    expect(await list(user, id)).toContain(origin);
  });

  it('deletes a session that nobody spoke to for long enough, with its files', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const snapshot = await parkSaved(scene);
    await expect.poll(async () => (await user.call('GET', '/sessions')).body.data[0].status).toBe('stopped');
    await runInDurableObject(sessionObject(id), async (_, ctx) => {
      const row = ctx.storage.sql.exec<{ json: string }>('SELECT json FROM record').one();
      const day = 86_400_000;
      const record = JSON.parse(row.json);
      const keep = { ...record, told: record.changes, last_activity: Date.now() - 2 * day };
      ctx.storage.sql.exec('UPDATE record SET json = ?', JSON.stringify(keep));
      await new Session(ctx, { ...env, SESSION_RETENTION_DAYS: '3' } as typeof env).alarm();
      expect(ctx.storage.sql.exec('SELECT 1 FROM record').toArray()).toHaveLength(1);
      await new Session(ctx, { ...env, SESSION_RETENTION_DAYS: '2' } as typeof env).alarm();
    });
    expect(names(await runner.dropped())).toEqual(names(trees(snapshot)));
    expect((await runner.control.next(({ kind }) => kind === 'remove')).session_id).toBe(id);
    expect((await user.call('GET', '/sessions')).body.data).toEqual([]);
  });

  it('keeps a session that nobody spoke to while one further below it works', async () => {
    const scene = await ran();
    const { user, id } = scene;
    const middle = await spawn(user, id);
    const below = await spawn(user, middle);
    await park(scene);
    const since = Date.now();
    await user.call('POST', `/sessions/${below}/chat`, { prompt: 'on' });
    await expect.poll(async () => (await user.call('GET', '/sessions?status=queued')).body.data).toHaveLength(1);
    await runInDurableObject(sessionObject(id), async (_, ctx) => {
      const row = ctx.storage.sql.exec<{ json: string }>('SELECT json FROM record').one();
      const old = { ...JSON.parse(row.json), last_activity: Date.now() - 2 * 86_400_000 };
      ctx.storage.sql.exec('UPDATE record SET json = ?', JSON.stringify(old));
      await new Session(ctx, { ...env, SESSION_RETENTION_DAYS: '2' } as typeof env).alarm();
      const kept = ctx.storage.sql.exec<{ json: string }>('SELECT json FROM record').one();
      expect(JSON.parse(kept.json).last_activity).toBeGreaterThanOrEqual(since);
    });
    expect((await show(user, below)).session_id).toBe(below);
  });
});

describe('deleting', () => {
  it('a session drops its trees, on every runner that had its files too', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const first = await parkSaved(scene);
    const other = await sharing();
    runner.send({ kind: 'draining' });
    await expect.poll(async () => (await show(user, id)).files.saved).toBe(true);
    await wake(user, id);
    const moved = await other.start(id);
    const { version } = moved.launch.files;
    await user.call('POST', `/sessions/${id}/stop`);
    await other.end(moved, 'stopped_by_user');
    const { snapshot_id: second } = await other.report(id, { version, storage: SHARED });
    await expect.poll(async () => (await list(user, id)).length).toBe(2);
    await user.call('DELETE', `/sessions/${id}`);
    for (const one of [runner, other]) {
      expect(await one.control.next(({ kind }) => kind === 'remove')).toMatchObject({ session_id: id });
    }
    const dropped = [runner, other].find((one) => one.control.unread(({ kind }) => kind === 'drop') > 0);
    expect(names((await dropped?.dropped()) ?? [])).toEqual(names(trees(first, second)));
  });

  it('a session keeps what its fork began with, until that is deleted as well', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const origin = await parkSaved(scene);
    const fork = (await user.call('POST', `/sessions/${id}/fork`, {})).body.session_id;
    const { files } = await runner.launch(fork);
    await user.call('DELETE', `/sessions/${id}`);
    expect(await sweep(runner, files.owner, origin)).toEqual([]);
    await user.call('DELETE', `/sessions/${fork}`);
    expect(names(await runner.dropped())).toEqual(names(trees(origin)));
  });

  it('a session leaves the snapshots of its persistent workspace, but not what was said', async () => {
    const body = { workspace: { type: 'persistent', id: 'site' } };
    const scene = await ran(body);
    const { user, runner, id, container } = scene;
    const old = await parkSaved(scene);
    await wake(user, id);
    const again = await runner.start(id);
    const head = await parkSaved({ ...scene, container: again });
    const { owner } = container.launch.files;
    await user.call('DELETE', `/sessions/${id}`);
    const conversations = [old, head].map((snapshot_id) => ({ snapshot_id, tree: 'conversation' }));
    expect(names(await runner.dropped())).toEqual(names(conversations));
    expect(await sweep(runner, owner, old, head)).toEqual(names(conversations));
    const kept = (await user.call('GET', '/workspaces/site/snapshots')).body.data;
    expect(kept).toMatchObject([{ snapshot_id: head }, { snapshot_id: old }]);
    expect((await user.call('DELETE', '/workspaces/site')).status).toBe(204);
    const workspaces = [old, head].map((snapshot_id) => ({ snapshot_id, tree: 'workspace' }));
    expect(names(await runner.dropped())).toEqual(names(workspaces));
  });
});

describe('a sweep', () => {
  it('is told which trees nothing refers to', async () => {
    const scene = await ran();
    const { user, runner, id, container } = scene;
    const kept = await parkSaved(scene);
    await expect.poll(async () => (await user.call('GET', '/storage')).body.snapshots).toBe(1);
    const { owner } = container.launch.files;
    const lost = crypto.randomUUID();
    expect(await sweep(runner, owner, kept, lost)).toEqual(names(trees(lost)));
    await park({ ...scene, container });
    expect(await list(user, id)).toEqual([kept]);
  });

  it('drops nothing of an owner that nothing is known of, nor of another edge’s', async () => {
    const runner = await sharing();
    const unknown = env.DIRECTORY.idFromName(crypto.randomUUID()).toString();
    expect(await sweep(runner, unknown, crypto.randomUUID())).toEqual([]);
    expect(await sweep(runner, 'f'.repeat(64), crypto.randomUUID())).toEqual([]);
  });
});

describe('the storage', () => {
  it('is shown as last measured', async () => {
    const { user, runner, id, container } = await ran();
    const none = { bytes: 0, quota_bytes: null, snapshots: 0, workspaces: 0 };
    expect((await user.call('GET', '/storage')).body).toMatchObject(none);
    const { version } = container.launch.files;
    await runner.report(id, { version, storage: SHARED, owner_bytes: 4096, final: false, trigger: 'periodic' });
    await runner.report(id, { version, storage: SHARED, owner_bytes: null, final: false, trigger: 'periodic' });
    await expect
      .poll(async () => (await user.call('GET', '/storage')).body)
      .toMatchObject({
        ...none,
        bytes: 4096,
        snapshots: 2,
      });
  });

  it('whose quota is used up takes no new snapshots, in words that help', async () => {
    const { user, runner, id, container } = await ran();
    const { version, owner } = container.launch.files;
    await runner.report(id, { version, storage: SHARED, owner_bytes: 2 ** 20, final: false, trigger: 'periodic' });
    await expect.poll(async () => (await user.call('GET', '/storage')).body.bytes).toBe(2 ** 20);
    await runInDurableObject(env.DIRECTORY.get(env.DIRECTORY.idFromString(owner)), (_, ctx) => {
      const with1Mb = { ...edgeSettings.parse(env), STORAGE_QUOTA_MB: 1 };
      const full = new OwnerStorage(ctx.storage.sql, with1Mb, env, owner);
      expect(full.quota.refusal()).toMatchObject({
        refused: 'quota_exceeded',
        detail: expect.stringContaining('STORAGE_QUOTA_MB'),
      });
      const with2Mb = new OwnerStorage(ctx.storage.sql, { ...with1Mb, STORAGE_QUOTA_MB: 2 }, env, owner);
      expect(with2Mb.quota.refusal()).toBeNull();
    });
  });
});
