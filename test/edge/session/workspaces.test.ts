import { env, runDurableObjectAlarm } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { park, parkSaved, ran, sessionObject, SHARED, show, wake } from '../support/scene.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

const persistent = (id: string) => ({ workspace: { type: 'persistent', id } });

const workspace = async (user: User, id: string) => (await user.call('GET', `/workspaces/${id}`)).body;

describe('a persistent workspace', () => {
  it('is found again by the next session, as the one before left it', async () => {
    const first = await ran(persistent('site'));
    const { user, runner } = first;
    expect(first.container.launch.files).toMatchObject({ workspace: null, start: null });
    expect(await workspace(user, 'site')).toMatchObject({ held_by: first.id, snapshot_id: null });
    const snapshot = await parkSaved(first);
    await expect.poll(async () => (await workspace(user, 'site')).held_by).toBeNull();
    expect(await workspace(user, 'site')).toMatchObject({ snapshot_id: snapshot, bytes: 300 });
    const second = await ran(persistent('site'), user, runner);
    expect(second.container.launch.files).toMatchObject({ workspace: snapshot, start: snapshot, conversation: null });
  });

  it('is one session’s at a time: another is told who holds it, when it begins and when it wakes', async () => {
    const first = await ran(persistent('site'));
    const { user, runner } = first;
    await parkSaved(first);
    await expect.poll(async () => (await workspace(user, 'site')).held_by).toBeNull();
    const second = await ran(persistent('site'), user, runner);
    const refused = await user.call('POST', '/sessions', persistent('site'));
    expect(refused).toMatchObject({ status: 409, body: { code: 'workspace_held' } });
    expect(refused.body.detail).toContain(second.id);
    const { message_id } = (await wake(user, first.id)).body;
    const path = `/sessions/${first.id}/messages/${message_id}`;
    await expect.poll(async () => (await user.call('GET', path)).body.error?.code).toBe('workspace_held');
    expect((await user.call('GET', path)).body.error.detail).toMatch(new RegExp(`${second.id}.*"type":"clone"`));
    expect(await show(user, first.id)).toMatchObject({ status: 'failed', files: { saved: true } });
    const changed = await parkSaved(second);
    await expect.poll(async () => (await workspace(user, 'site')).held_by).toBeNull();
    await wake(user, first.id);
    const { files } = await runner.launch(first.id);
    expect(files).toMatchObject({ local: 'stale', workspace: changed, start: null });
    expect(files.conversation).not.toBe(changed);
  });

  it('stays with a session until its files are saved, or it is deleted', async () => {
    const first = await ran(persistent('site'));
    const { user, runner, id, container } = first;
    const { version } = container.launch.files;
    const periodic = await runner.report(id, { version, storage: SHARED, final: false, trigger: 'periodic' });
    await park(first);
    await evict(sessionObject(id));
    expect(await show(user, id)).toMatchObject({ status: 'stopped' });
    expect(await workspace(user, 'site')).toMatchObject({ held_by: id, snapshot_id: periodic.snapshot_id });
    expect((await user.call('DELETE', '/workspaces/site')).body.code).toBe('workspace_held');
    await user.call('DELETE', `/sessions/${id}`);
    expect(await workspace(user, 'site')).toMatchObject({ held_by: null, snapshot_id: periodic.snapshot_id });
    const next = await ran(persistent('site'), user, runner);
    expect(next.container.launch.files.workspace).toBe(periodic.snapshot_id);
  });

  it('is let go although its session was evicted when it should have said so', async () => {
    const first = await ran(persistent('site'));
    const { user, id } = first;
    await parkSaved(first);
    await evict(sessionObject(id));
    await runDurableObjectAlarm(sessionObject(id));
    await expect.poll(async () => (await workspace(user, 'site')).held_by).toBeNull();
  });

  it('without a name has its session’s', async () => {
    const { user, id } = await ran({ workspace: { type: 'persistent' } });
    expect((await show(user, id)).workspace).toEqual({ type: 'persistent', id });
    expect(await workspace(user, id)).toMatchObject({ held_by: id });
  });

  it('begins from a snapshot of its own when that is asked for', async () => {
    const first = await ran(persistent('site'));
    const { user, runner } = first;
    const old = await parkSaved(first);
    await wake(user, first.id);
    const again = await runner.start(first.id);
    const newer = await parkSaved({ ...first, container: again });
    await expect.poll(async () => (await workspace(user, 'site')).snapshot_id).toBe(newer);
    await expect.poll(async () => (await workspace(user, 'site')).held_by).toBeNull();
    const body = { workspace: { type: 'persistent', id: 'site', snapshot: old } };
    const second = await ran(body, user, runner);
    expect(second.container.launch.files).toMatchObject({ workspace: old, start: old });
    const back = await parkSaved(second);
    await expect.poll(async () => (await workspace(user, 'site')).snapshot_id).toBe(back);
    const { data } = (await user.call('GET', '/workspaces/site/snapshots')).body;
    expect(data.map((row: { snapshot_id: string }) => row.snapshot_id)).toEqual([back, newer, old]);
  });

  it('is cloned while it is held, and only once something of it was saved', async () => {
    const first = await ran(persistent('site'));
    const { user, runner } = first;
    const clone = { workspace: { type: 'clone', id: 'site' } };
    for (const body of [clone, { workspace: { type: 'clone', id: 'unknown' } }]) {
      expect(await user.call('POST', '/sessions', body)).toMatchObject({
        status: 404,
        body: { code: 'workspace_not_found' },
      });
    }
    const snapshot = await parkSaved(first);
    await wake(user, first.id);
    await runner.start(first.id);
    const copy = await ran(clone, user, runner);
    expect(copy.container.launch.files).toMatchObject({ workspace: snapshot, conversation: null, start: snapshot });
    await parkSaved(copy);
    expect(await workspace(user, 'site')).toMatchObject({ held_by: first.id, snapshot_id: snapshot });
    const other = { workspace: { type: 'clone', id: 'site', snapshot: crypto.randomUUID() } };
    expect((await user.call('POST', '/sessions', other)).body.code).toBe('snapshot_not_found');
  });

  it('is its owner’s alone', async () => {
    const { user } = await ran(persistent('site'));
    const bob = new User();
    expect((await bob.call('GET', '/workspaces')).body.data).toEqual([]);
    for (const [method, path] of [
      ['GET', '/workspaces/site'],
      ['DELETE', '/workspaces/site'],
      ['GET', '/workspaces/site/snapshots'],
    ] as const) {
      expect(await bob.call(method, path)).toMatchObject({ status: 404, body: { code: 'workspace_not_found' } });
    }
    const own = await ran(persistent('site'), bob);
    expect(await workspace(bob, 'site')).toMatchObject({ held_by: own.id });
    expect((await user.call('GET', '/workspaces')).body.data).toHaveLength(1);
    expect((await user.call('GET', '/workspaces', undefined)).status).toBe(200);
  });

  it('is listed by name in pages, and is gone once it is deleted', async () => {
    const first = await ran(persistent('b'));
    const { user, runner } = first;
    await parkSaved(first);
    await expect.poll(async () => (await workspace(user, 'b')).held_by).toBeNull();
    await ran(persistent('a'), user, runner);
    const page = (await user.call('GET', '/workspaces?limit=1')).body;
    expect(page).toMatchObject({ data: [{ id: 'a' }], next_cursor: 'a' });
    const rest = (await user.call('GET', '/workspaces?limit=1&cursor=a')).body;
    expect(rest).toMatchObject({ data: [{ id: 'b' }], next_cursor: null });
    expect((await user.call('DELETE', '/workspaces/b')).status).toBe(204);
    expect((await user.call('GET', '/workspaces/b')).status).toBe(404);
    await wake(user, first.id);
    expect((await runner.launch(first.id)).files).toMatchObject({ local: 'stale', workspace: null });
  });

  it('needs a token to be seen', async () => {
    const { createApp } = await import('../../../functions/app.ts');
    for (const path of ['/workspaces', '/workspaces/x', '/workspaces/x/snapshots', '/storage']) {
      expect((await createApp().request(`/api/v1${path}`, {}, env)).status, path).toBe(401);
    }
  });
});
