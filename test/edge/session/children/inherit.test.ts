import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SessionRecord } from '../../../../durable/session/store/record.ts';
import { User } from '../../support/api.ts';
import { ofType, spawn } from './support/family.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer, FakeRunner } from '../../support/runner.ts';
import { park, ran, sessionObject, SHARED, sharing, show, wake, type Ran } from '../../support/scene.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

const INHERIT = { workspace: { type: 'inherit' } };

/** A child that works in the files of `scene`'s session, its container there and its prompt handed on. */
async function beside(scene: Ran, body: object = {}): Promise<Ran & { message: string }> {
  const id = await spawn(scene.user, scene.id, { ...INHERIT, ...body });
  const container = await scene.runner.start(id);
  const { message_id } = await container.prompt();
  return { ...scene, id, container, message: message_id };
}

/** The sessions that it knows to work in its files. */
const sharers = (id: string) =>
  runInDurableObject(sessionObject(id), (_, { storage }) => {
    const { json } = storage.sql.exec<{ json: string }>('SELECT json FROM record').one();
    return (JSON.parse(json) as SessionRecord).sharing.sharers;
  });

/** Lets time pass, and the session's alarm come. */
async function later(id: string, seconds: number): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
  await runDurableObjectAlarm(sessionObject(id));
  await runDurableObjectAlarm(sessionObject(id));
}

describe('a child that inherits its parent’s files', () => {
  test('comes to where its parent’s container is, however much room is elsewhere, and says whose files they are', async () => {
    const scene = await ran();
    await FakeRunner.connect(undefined, { capacity: 9000 });
    const id = await spawn(scene.user, scene.id, INHERIT);
    expect(await scene.runner.launch(id)).toMatchObject({ session_id: id, workspace_of: scene.id });
    expect(await show(scene.user, id)).toMatchObject({ inherits_from: scene.id, files: { runner: scene.runner.name } });
    expect(await show(scene.user, scene.id)).toMatchObject({ inherits_from: null });
    expect(scene.container.launch.workspace_of).toBeUndefined();
  });

  test('has children that inherit the same files, whether it has a container itself or not', async () => {
    const scene = await ran();
    const middle = await beside(scene);
    const below = await spawn(scene.user, middle.id, INHERIT);
    await scene.user.call('POST', `/sessions/${middle.id}/stop`);
    await scene.runner.end(middle.container, 'stopped_by_user');
    expect((await scene.runner.launch(below)).workspace_of).toBe(scene.id);
    const after = await spawn(scene.user, middle.id, INHERIT);
    expect((await scene.runner.launch(after)).workspace_of).toBe(scene.id);
    expect(await show(scene.user, after)).toMatchObject({ parent_session_id: middle.id, inherits_from: scene.id });
  });

  test('is not begun beside nobody: the answer says what to do instead', async () => {
    const scene = await ran();
    await park(scene);
    const refused = await scene.user.call('POST', `/sessions/${scene.id}/spawn`, { prompt: 'work', ...INHERIT });
    expect([refused.status, refused.body.code]).toEqual([503, 'files_unavailable']);
    expect(refused.body.detail).toMatch(/Send it a message, so that it wakes.*"clone"/);
    expect((await show(scene.user, scene.id)).child_session_ids).toEqual([]);
  });

  test('waits while its parent’s container is on its way, and says so once', async () => {
    const user = new User();
    const runner = await sharing();
    const id = await user.createSession();
    const launch = await runner.launch(id);
    const child = await spawn(user, id, INHERIT);
    await expect
      .poll(() => show(user, child))
      .toMatchObject({ status: 'queued', reason: { code: 'parent_unavailable' } });
    expect((await show(user, child)).reason.detail).toContain(`Waiting: the container of the session ${id}`);
    // Asked for again and again meanwhile.
    await later(child, 60);
    await later(child, 60);
    const container = await FakeContainer.connect(launch);
    container.say({ notice: 'ready', claude_version: '2.1.330' });
    await container.stored();
    await later(child, 60);
    expect((await runner.launch(child)).workspace_of).toBe(id);
    const statuses = ofType(await user.events(child), 'session.status').filter(({ status }) => status === 'queued');
    expect(statuses).toHaveLength(1);
  });

  test('is ended with its parent’s container, and told what to do; then both are spoken to and work on', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const child = await beside(scene);
    await runner.end(child.container, 'parent_unavailable');
    await runner.end(scene.container, 'container_exited');
    expect(await show(user, child.id)).toMatchObject({ status: 'stopped', reason: { code: 'parent_unavailable' } });
    const failed = await user.call('GET', `/sessions/${child.id}/messages/${child.message}`);
    expect(failed.body).toMatchObject({ status: 'failed', error: { code: 'parent_unavailable' } });

    const alone = await user.call('POST', `/sessions/${child.id}/chat`, { prompt: 'on', stream: false });
    expect(alone.body).toMatchObject({ status: 'failed', error: { code: 'parent_unavailable' } });
    expect(alone.body.error.detail).toContain(`The session ${id}, in whose files this one works, has no container.`);
    expect(await show(user, child.id)).toMatchObject({ status: 'failed', reason: { code: 'parent_unavailable' } });

    await wake(user, id);
    const container = await runner.start(id);
    await wake(user, child.id);
    const again = await runner.launch(child.id);
    expect(again).toMatchObject({ workspace_of: id, files: { local: 'required' } });
    expect(container.launch.epoch).toBe(2);
  });

  test('has what it said brought to the runner that its parent is on by now, once that is saved', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const child = await beside(scene);
    await runner.end(child.container, 'parent_unavailable');
    await park(scene);
    runner.send({ kind: 'draining' });
    await runner.report(id, { version: scene.container.launch.files.version, storage: SHARED });
    const other = await sharing();
    await wake(user, id);
    await other.start(id);
    await wake(user, child.id);
    await expect.poll(async () => (await show(user, child.id)).reason?.detail).toContain('until that has saved it');
    const { version } = child.container.launch.files;
    const { snapshot_id } = await runner.report(child.id, { version, storage: SHARED });
    const files = { local: 'stale', conversation: snapshot_id };
    expect(await other.launch(child.id)).toMatchObject({ workspace_of: id, files });
  });

  test('keeps its parent from being parked for idleness or for room, until it has no container any more', async () => {
    const scene = await ran({ config: { idle_timeout_seconds: 60 } });
    const { user, runner, id } = scene;
    const middle = await beside(scene);
    const below = await beside(middle);
    await expect.poll(() => sharers(id)).toEqual([middle.id, below.id]);
    await user.call('POST', `/sessions/${middle.id}/interrupt`);
    await runner.end(middle.container);
    await expect.poll(() => sharers(id)).toEqual([below.id]);
    // Until its container is gone it may write.
    await user.call('POST', `/sessions/${below.id}/stop`);
    await later(id, 600);
    expect(await show(user, id)).toMatchObject({ status: 'idle' });
    await runner.end(below.container, 'stopped_by_user');
    await expect.poll(() => sharers(id)).toEqual([]);
    await later(id, 59);
    expect(await show(user, id)).toMatchObject({ status: 'idle' });
    await later(id, 2);
    expect(await show(user, id)).toMatchObject({ status: 'stopped', reason: { code: 'idle_timeout' } });
  });

  test('that is deleted keeps its parent no longer', async () => {
    const scene = await ran();
    const child = await beside(scene);
    await expect.poll(() => sharers(scene.id)).toEqual([child.id]);
    expect((await scene.user.call('DELETE', `/sessions/${child.id}`)).status).toBeLessThan(300);
    expect(await sharers(scene.id)).toEqual([]);
  });

  test('sends who asks for its files to the session that has them', async () => {
    const scene = await ran();
    const below = await beside(await beside(scene));
    const at = `/sessions/${below.id}`;
    const answers = [
      await scene.user.call('GET', `${at}/files`),
      await scene.user.call('PUT', `${at}/files/a`, 'b'),
      await scene.user.call('GET', `${at}/diff`),
      await scene.user.call('POST', `${at}/snapshots`),
      await scene.user.call('POST', `${at}/fork`),
    ];
    for (const { status, body } of answers) {
      expect([status, body.code]).toEqual([503, 'files_unavailable']);
      expect(body.detail).toContain(`GET /api/v1/sessions/${scene.id}/files`);
    }
  });

  test('has a child that works in a copy of the files in which it works itself', async () => {
    const scene = await ran();
    const middle = await beside(scene);
    const begun = spawn(scene.user, middle.id, { workspace: { type: 'clone' } });
    const order = await scene.runner.control.next(({ kind }) => kind === 'snapshot');
    expect(order).toMatchObject({ session_id: scene.id, trigger: 'forked' });
    const { snapshot_id } = order;
    await scene.runner.report(scene.id, { snapshot_id, trigger: 'forked', final: false, storage: SHARED });
    const launch = await scene.runner.launch(await begun);
    expect(launch).toMatchObject({ workspace: { type: 'ephemeral', snapshot: snapshot_id } });
    expect(launch.workspace_of).toBeUndefined();
  });

  test('is stopped with its parent', async () => {
    const scene = await ran();
    const child = await beside(scene);
    await scene.user.call('POST', `/sessions/${scene.id}/stop`);
    expect(await show(scene.user, child.id)).toMatchObject({ status: 'stopped', reason: { code: 'stopped_by_user' } });
    await scene.runner.end(child.container, 'parent_unavailable');
    await scene.runner.end(scene.container, 'stopped_by_user');
    expect(await show(scene.user, child.id)).toMatchObject({ status: 'stopped', reason: { code: 'stopped_by_user' } });
    expect(await sharers(scene.id)).toEqual([]);
  });
});
