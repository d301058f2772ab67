import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { User } from '../../support/api.ts';
import { emptyPool, pool } from '../../support/pool.ts';
import { FakeContainer, FakeRunner, storage } from '../../support/runner.ts';
import { park, parkSaved, ran, sessionObject, SHARED, sharing, show, wake } from '../../support/scene.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

const isOrder = (id: string) => (frame: { kind: string; session_id: string }) =>
  frame.kind === 'snapshot' && frame.session_id === id;

const gone = async (runner: FakeRunner) => {
  const { length } = (await pool().health()).runners;
  runner.control.close();
  await expect.poll(async () => (await pool().health()).runners.length).toBe(length - 1);
};

const snapshots = async (user: User, id: string) => (await user.call('GET', `/sessions/${id}/snapshots`)).body.data;

describe('a parked session', () => {
  it('whose files are saved wakes on another runner with the same storage, told what to restore', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    expect(await show(user, id)).toMatchObject({ files: { runner: runner.name, saved: false, snapshot_id: null } });
    const snapshot = await parkSaved(scene);
    expect(await show(user, id)).toMatchObject({
      files: { runner: runner.name, saved: true, snapshot_id: snapshot },
    });
    const other = await sharing();
    await gone(runner);
    await wake(user, id);
    const { files, epoch } = await other.launch(id);
    expect(epoch).toBe(2);
    expect(files).toMatchObject({ local: 'stale', workspace: snapshot, conversation: snapshot, start: null });
    expect(files.version).toBeGreaterThan(scene.container.launch.files.version);
  });

  it('wakes where its files are at hand, and elsewhere when that runner is full', async () => {
    const runner = await FakeRunner.connect(undefined, { storage: storage(SHARED), capacity: 1 });
    const scene = await ran({}, new User(), runner);
    const { user, id } = scene;
    const snapshot = await parkSaved(scene);
    const other = await sharing();
    await wake(user, id);
    const again = await runner.start(id);
    expect(again.launch.files).toMatchObject({ local: 'preferred', workspace: snapshot });
    await parkSaved({ ...scene, container: again });
    // Its only place is taken by somebody else meanwhile.
    await runInDurableObject(pool(), (_, ctx) => {
      const row = ctx.storage.sql.exec<{ json: string }>('SELECT json FROM runners WHERE name = ?', runner.name).one();
      const full = JSON.stringify({ ...JSON.parse(row.json), capacity: 0 });
      ctx.storage.sql.exec('UPDATE runners SET json = ? WHERE name = ?', full, runner.name);
    });
    await evict(pool());
    await wake(user, id);
    expect((await other.launch(id)).files.local).toBe('stale');
  });

  it('whose files are not saved waits for the runner that has them, and says so', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    await park(scene);
    const { version } = scene.container.launch.files;
    await runner.report(id, { version, storage: SHARED, final: false, trigger: 'periodic' });
    await runner.report(id, { version: version - 1, storage: SHARED });
    await runner.report(id, { version: version + 7, storage: SHARED });
    await runner.report(id, { version, storage: SHARED, state: 'pending', detail: 'The storage is down.' });
    await sharing();
    await gone(runner);
    await wake(user, id);
    await expect.poll(async () => (await show(user, id)).reason?.detail).toContain(`"${runner.name}"`);
    const back = await FakeRunner.reconnect(runner.name, [], { storage: storage(SHARED) });
    expect((await back.runner.launch(id)).files.local).toBe('required');
  });

  it('cannot be restored by a runner with another storage, and waits for one with its own', async () => {
    const scene = await ran();
    await parkSaved(scene);
    const stranger = await FakeRunner.connect();
    await gone(scene.runner);
    await wake(scene.user, scene.id);
    await expect.poll(async () => (await show(scene.user, scene.id)).reason?.detail).toContain(`"${SHARED}"`);
    expect(stranger.control.unread(({ kind }) => kind === 'launch')).toBe(0);
    const other = await sharing();
    expect((await other.launch(scene.id)).files.local).toBe('stale');
  });

  it('goes on from its newest snapshot when its runner has lost its files, after it has said so', async () => {
    const scene = await ran();
    const { user, runner, id, container } = scene;
    const { version } = container.launch.files;
    const { snapshot_id } = await runner.report(id, { version, storage: SHARED, final: false, trigger: 'periodic' });
    await park(scene);
    const failed = wake(user, id);
    const { epoch } = await runner.launch(id);
    const { message_id } = (await failed).body;
    runner.send({ kind: 'ended', session_id: id, epoch, reason: { code: 'files_lost', detail: 'They are not here.' } });
    const path = `/sessions/${id}/messages/${message_id}`;
    await expect.poll(async () => (await user.call('GET', path)).body.error?.code).toBe('files_lost');
    expect((await show(user, id)).reason.detail).toContain(snapshot_id);
    await wake(user, id);
    expect((await runner.launch(id)).files).toMatchObject({ local: 'stale', workspace: snapshot_id });
  });

  it('is where it was after a launch that never came to be', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    const snapshot = await parkSaved(scene);
    await wake(user, id);
    const { epoch } = await runner.launch(id);
    runner.send({ kind: 'ended', session_id: id, epoch, reason: { code: 'image_missing', detail: 'No image.' } });
    await expect.poll(async () => (await show(user, id)).status).toBe('failed');
    expect((await show(user, id)).files).toEqual({ runner: runner.name, saved: true, snapshot_id: snapshot });
  });

  it('is kept through evictions of its object', async () => {
    const scene = await ran();
    await park(scene);
    await evict(sessionObject(scene.id));
    const { version } = scene.container.launch.files;
    const { snapshot_id } = await scene.runner.report(scene.id, { version, storage: SHARED });
    await evict(sessionObject(scene.id));
    expect((await show(scene.user, scene.id)).files).toMatchObject({ saved: true, snapshot_id });
    await wake(scene.user, scene.id);
    expect((await scene.runner.launch(scene.id)).files).toMatchObject({ local: 'preferred', workspace: snapshot_id });
  });
});

describe('a snapshot', () => {
  it('of a running session is pending until its runner has stored it', async () => {
    const { user, runner, id, container } = await ran();
    const asked = await user.call('POST', `/sessions/${id}/snapshots`);
    expect(asked).toMatchObject({ status: 202, body: { state: 'pending', trigger: 'requested', session_id: id } });
    const { snapshot_id } = asked.body;
    const order = await runner.control.next(isOrder(id));
    expect(order).toMatchObject({ snapshot_id, trigger: 'requested', files: { local: 'required' } });
    const told = { snapshot_id, trigger: 'requested' as const, storage: SHARED, final: false };
    const { version } = container.launch.files;
    await runner.report(id, { ...told, version, state: 'pending', detail: 'The storage is down.' });
    const path = `/sessions/${id}/snapshots/${snapshot_id}`;
    await expect.poll(async () => (await user.call('GET', path)).body.detail).toBe('The storage is down.');
    await runner.report(id, { ...told, version });
    expect((await user.call('GET', path)).body).toMatchObject({
      state: 'stored',
      files: 3,
      bytes: 300,
      new_bytes: 30,
      detail: null,
      finished_at: expect.any(String),
    });
    const said = (await user.events(id)).filter(({ type }) => type === 'workspace.snapshot');
    expect(said.map(({ data }) => data['state'])).toEqual(['pending', 'stored']);
    expect((await show(user, id)).files).toMatchObject({ saved: false, snapshot_id });
  });

  it('of parked files that are saved is the one that there is', async () => {
    const scene = await ran();
    const snapshot_id = await parkSaved(scene);
    const asked = await scene.user.call('POST', `/sessions/${scene.id}/snapshots`);
    expect(asked).toMatchObject({ status: 200, body: { snapshot_id, state: 'stored', trigger: 'parked' } });
    expect(scene.runner.control.unread(isOrder(scene.id))).toBe(0);
  });

  it('that no runner can take waits with the reason, and is ordered when its runner is back', async () => {
    const scene = await ran();
    const { user, runner, id } = scene;
    await park(scene);
    await gone(runner);
    const { snapshot_id } = (await user.call('POST', `/sessions/${id}/snapshots`)).body;
    const path = `/sessions/${id}/snapshots/${snapshot_id}`;
    await expect.poll(async () => (await user.call('GET', path)).body.detail).toContain(`"${runner.name}"`);
    await evict(sessionObject(id));
    const back = (await FakeRunner.reconnect(runner.name, [], { storage: storage(SHARED) })).runner;
    await makeOwed(id);
    await runDurableObjectAlarm(sessionObject(id));
    expect(await back.control.next(isOrder(id))).toMatchObject({ snapshot_id });
  });

  it('told of twice, or late, is one', async () => {
    const scene = await ran();
    const snapshot_id = await parkSaved(scene);
    const { version } = scene.container.launch.files;
    await scene.runner.report(scene.id, { snapshot_id, version, storage: SHARED });
    const pending = { snapshot_id, version, storage: SHARED, state: 'pending' as const };
    await scene.runner.report(scene.id, pending);
    await scene.runner.report(scene.id, { ...pending, state: 'failed', detail: 'no' });
    expect(await snapshots(scene.user, scene.id)).toMatchObject([{ snapshot_id, state: 'stored' }]);
    expect((await scene.user.events(scene.id)).filter(({ type }) => type === 'workspace.snapshot')).toHaveLength(1);
  });

  it('of a session that has not run is refused', async () => {
    const user = new User();
    const id = await user.createSession();
    expect(await user.call('POST', `/sessions/${id}/snapshots`)).toMatchObject({
      status: 503,
      body: { code: 'files_unavailable' },
    });
  });

  it('is listed in pages, the newest first, and to nobody else', async () => {
    const { user, runner, id, container } = await ran();
    const { version } = container.launch.files;
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const told = await runner.report(id, { version, storage: SHARED, final: false, trigger: 'periodic' });
      ids.unshift(told.snapshot_id);
    }
    const first = (await user.call('GET', `/sessions/${id}/snapshots?limit=2`)).body;
    expect(first.data.map((row: { snapshot_id: string }) => row.snapshot_id)).toEqual(ids.slice(0, 2));
    const rest = (await user.call('GET', `/sessions/${id}/snapshots?limit=2&cursor=${first.next_cursor}`)).body;
    expect(rest).toMatchObject({ data: [{ snapshot_id: ids[2] }], next_cursor: null });
    const bob = new User();
    for (const [method, path] of [
      ['GET', 'snapshots'],
      ['POST', 'snapshots'],
      ['GET', `snapshots/${ids[0]}`],
      ['POST', 'fork'],
    ] as const) {
      const answer = await bob.call(method, `/sessions/${id}/${path}`);
      expect(answer, path).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
    }
    const unknown = await user.call('GET', `/sessions/${id}/snapshots/nonsense`);
    expect(unknown).toMatchObject({ status: 404, body: { code: 'snapshot_not_found' } });
  });

  it('can be what another session begins with', async () => {
    const scene = await ran();
    const snapshot = await parkSaved(scene);
    const body = { workspace: { type: 'ephemeral', snapshot } };
    const { container } = await ran(body, scene.user, scene.runner);
    expect(container.launch.files).toMatchObject({ workspace: snapshot, start: snapshot, conversation: null });
    const foreign = await new User().call('POST', '/sessions', body);
    expect(foreign).toMatchObject({ status: 404, body: { code: 'snapshot_not_found' } });
  });
});

/** Has what a session waits to order be due. */
async function makeOwed(id: string): Promise<void> {
  await runInDurableObject(sessionObject(id), (_, ctx) => {
    ctx.storage.sql.exec('UPDATE snapshots SET owed_at = 1 WHERE owed_at IS NOT NULL');
  });
  await evict(sessionObject(id));
}

describe('a clone', () => {
  const git = { type: 'ephemeral', git_repo: 'https://example.org/x.git', git_branch: 'main' };

  it('is made once, is told of, and is what a diff starts at', async () => {
    const user = new User();
    const runner = await sharing();
    const { session_id: id } = (await user.call('POST', '/sessions', { workspace: git })).body;
    const container = await FakeContainer.connect(await runner.launch(id));
    const scene = { user, runner, id, container };
    expect(container.launch.workspace).toEqual(git);
    container.say(
      { notice: 'cloning', repo: git.git_repo },
      { notice: 'cloned', repo: git.git_repo, commit: 'abc', ms: 5 },
      { notice: 'ready', claude_version: '2.1.330' },
    );
    await container.stored();
    const { version } = container.launch.files;
    const { snapshot_id } = await runner.report(id, { version, storage: SHARED, final: false, trigger: 'start' });
    const types = (await user.events(id)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['workspace.cloning', 'workspace.cloned', 'workspace.snapshot']));
    await parkSaved(scene);
    await wake(user, id);
    const again = await runner.launch(id);
    expect(again.workspace).toEqual({ type: 'ephemeral' });
    expect(again.files.start).toBe(snapshot_id);
  });

  it('that fails ends the session in git’s words, and is tried again with the next message', async () => {
    const user = new User();
    const runner = await sharing();
    const { session_id } = (await user.call('POST', '/sessions', { workspace: git })).body;
    const first = await user.call('POST', `/sessions/${session_id}/chat`, { prompt: 'x' });
    const launch = await runner.launch(session_id);
    const container = await FakeContainer.connect(launch);
    container.say({ notice: 'cloning', repo: git.git_repo }, { notice: 'clone_failed', detail: 'fatal: not found' });
    await container.stored();
    await runner.end(container);
    const message = await user.call('GET', `/sessions/${session_id}/messages/${first.body.message_id}`);
    expect(message.body.error).toEqual({ code: 'clone_failed', detail: 'fatal: not found' });
    await wake(user, session_id);
    expect((await runner.launch(session_id)).workspace).toEqual(git);
  });

  it('and what was restored show in the log', async () => {
    const { user, id, container } = await ran();
    const notice = { host_notice: 'restored', snapshot_id: crypto.randomUUID(), files: 2, bytes: 20, ms: 7 };
    container.data.send({ kind: 'host', first: 1, notices: [notice] });
    await container.data.next(({ kind, stored }) => kind === 'host_ack' && stored === 1);
    const restored = (await user.events(id)).find(({ type }) => type === 'workspace.restored');
    const { host_notice: _, ...data } = notice;
    expect(restored?.data).toEqual({ epoch: 1, ...data });
  });
});

describe('a fork', () => {
  it('of a parked session begins with its conversation and files, on any runner that sees them', async () => {
    const scene = await ran({ config: { model: 'haiku' } });
    const snapshot = await parkSaved(scene);
    const other = await sharing();
    await gone(scene.runner);
    const { status, body } = await scene.user.call('POST', `/sessions/${scene.id}/fork`, {});
    expect(status).toBe(201);
    expect(body).toMatchObject({ forked_from: scene.id, status: 'queued', websocket_url: expect.any(String) });
    expect(body.session_id).not.toBe(scene.id);
    const launch = await other.launch(body.session_id);
    expect(launch.files).toMatchObject({
      workspace: snapshot,
      conversation: snapshot,
      start: snapshot,
      fork_of: scene.id,
      local: 'stale',
    });
    expect(launch.config.model).toBe('haiku');
    expect(await show(scene.user, body.session_id)).toMatchObject({ forked_from: scene.id });
  });

  it('of a running session waits for a snapshot of it, and is one for one Idempotency-Key', async () => {
    const { user, runner, id, container } = await ran();
    const key = { 'idempotency-key': 'fork-1' };
    const answer = user.call('POST', `/sessions/${id}/fork`, {}, key);
    const { snapshot_id } = await runner.control.next(isOrder(id));
    const { version } = container.launch.files;
    await runner.report(id, { snapshot_id, version, storage: SHARED, final: false, trigger: 'forked' });
    const { status, body } = await answer;
    expect(status).toBe(201);
    expect((await runner.launch(body.session_id)).files.conversation).toBe(snapshot_id);
    const again = await user.call('POST', `/sessions/${id}/fork`, {}, key);
    expect(again).toMatchObject({ status: 201, body: { session_id: body.session_id, forked_from: id } });
    expect(runner.control.unread(isOrder(id))).toBe(0);
    const other = await user.call('POST', `/sessions/${id}/fork`, { snapshot: snapshot_id }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    const named = await user.call('POST', `/sessions/${id}/fork`, { snapshot: snapshot_id });
    expect(named.status).toBe(201);
  });

  it('says why there is none when its snapshot fails, or is unknown', async () => {
    const { user, runner, id, container } = await ran();
    const answer = user.call('POST', `/sessions/${id}/fork`, {});
    const { snapshot_id } = await runner.control.next(isOrder(id));
    const { version } = container.launch.files;
    const failed = { state: 'failed' as const, detail: 'The quota is used up.' };
    await runner.report(id, { snapshot_id, version, storage: SHARED, final: false, trigger: 'forked', ...failed });
    expect((await answer).body).toMatchObject({ detail: expect.stringContaining('quota') });
    const unknown = await user.call('POST', `/sessions/${id}/fork`, { snapshot: crypto.randomUUID() });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'snapshot_not_found' } });
  });

  it('is put off while its snapshot is not stored, and is made of that one later', async () => {
    const { user, runner, id, container } = await ran();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const answer = user.call('POST', `/sessions/${id}/fork`, {});
    const { snapshot_id } = await runner.control.next(isOrder(id));
    const { version } = container.launch.files;
    const told = { snapshot_id, version, storage: SHARED, final: false, trigger: 'forked' as const };
    await runner.report(id, { ...told, state: 'pending', detail: 'The storage is down.' });
    await user.call('GET', `/sessions/${id}`);
    await runInDurableObject(sessionObject(id), () => vi.advanceTimersByTimeAsync(60_000));
    const late = await answer;
    expect(late).toMatchObject({ status: 503, body: { code: 'snapshot_pending' } });
    expect(late.headers.get('retry-after')).not.toBeNull();
    expect(late.body.detail).toContain('The storage is down.');
    vi.useRealTimers();
    await runner.report(id, told);
    const later = () => user.call('POST', `/sessions/${id}/fork`, { snapshot: snapshot_id });
    await expect.poll(async () => (await later()).status).toBe(201);
  });

  it('continues its own conversation once it has had a turn', async () => {
    const source = await ran();
    await parkSaved(source);
    const { user, runner } = source;
    const { session_id } = (await user.call('POST', `/sessions/${source.id}/fork`, {})).body;
    const container = await runner.start(session_id);
    await user.call('POST', `/sessions/${session_id}/chat`, { prompt: 'x' });
    const { message_id } = await container.prompt();
    container.result(message_id, 'y');
    await container.stored();
    await parkSaved({ user, runner, id: session_id, container });
    await wake(user, session_id);
    expect((await runner.launch(session_id)).files.fork_of).toBeNull();
  });
});
