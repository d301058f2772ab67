import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_ARTIFACTS } from '../../../../durable/session/files/artifacts.ts';
import { callTool, spawn } from '../children/support/family.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer } from '../../support/runner.ts';
import { ran, sessionObject } from '../../support/scene.ts';
import { artifacts, events, file, idOf, isDrop, REPORT, SHA, share } from './support/sharing.ts';
import { FakeTransfer } from './support/transfer.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

describe('a file that an agent shares', () => {
  it('is kept by its runner, told of in the log, listed, and the agent is answered', async () => {
    const scene = await ran();
    const { id, answer, request } = await share(scene, { name: 'Report.pdf', description: 'Of May.' });
    expect(request).toEqual({ op: 'share', artifact_id: id, path: 'out/report.pdf' });
    expect(answer.structured).toEqual({ artifact_id: id, name: 'Report.pdf', bytes: 1000 });
    const told = { artifact_id: id, name: 'Report.pdf', description: 'Of May.' };
    const facts = { path: 'out/report.pdf', bytes: 1000, sha256: SHA };
    expect(await events(scene)).toEqual([{ ...told, ...facts }]);
    const view = { ...told, ...facts, session_id: scene.id, created_at: expect.any(String) };
    expect(await artifacts(scene)).toEqual({ data: [view], next_cursor: null });
    const shown = await scene.user.call('GET', `/sessions/${scene.id}/artifacts/${id.toUpperCase()}`);
    expect(shown).toMatchObject({ status: 200, body: view });
    expect((await scene.user.call('GET', '/storage')).body.bytes).toBe(5000);
  });

  it('is called as the file is, when nothing else is said', async () => {
    const scene = await ran();
    const { answer } = await share(scene);
    expect(answer.structured).toMatchObject({ name: 'report.pdf' });
  });

  it('has its event before its answer', async () => {
    const scene = await ran();
    const watching = await scene.user.open(scene.id, '?after=0');
    const answered = share(scene);
    const seen = await watching.next((frame) =>
      [frame].flat().some(({ type }: { type: string }) => type === 'session.artifact'),
    );
    expect(seen).toBeDefined();
    await answered;
  });

  it.each([
    ['file_not_found', 'No such file (file_not_found): it is file_not_found'],
    ['not_a_file', 'Not a file (not_a_file): it is not_a_file'],
    ['path_invalid', 'Not a path within the workspace (path_invalid): it is path_invalid'],
    ['file_busy', 'The file is being written (file_busy): it is file_busy'],
    ['artifact_too_large', 'The file is too large for an artifact (artifact_too_large): it is artifact_too_large'],
    ['quota_exceeded', 'The storage quota is used up (quota_exceeded): it is quota_exceeded'],
  ] as const)('that its runner refuses with %s is an error that the agent reads', async (code, text) => {
    const scene = await ran();
    callTool(scene.container, REPORT);
    (await FakeTransfer.next(scene.runner)).refuse(code);
    expect(await scene.container.answer()).toMatchObject({ is_error: true, text });
    expect(await events(scene)).toEqual([]);
    expect(await artifacts(scene)).toEqual({ data: [], next_cursor: null });
  });

  it.each([
    ['breaks off', (transfer: FakeTransfer) => transfer.close()],
    ['breaks off in the middle', (transfer: FakeTransfer) => (transfer.head({ size: 99 }), transfer.close())],
    ['has no storage', (transfer: FakeTransfer) => transfer.refuse('storage_unavailable')],
    ['says something else', (transfer: FakeTransfer) => transfer.json({ files: 1 })],
  ])('whose runner %s is asked for again, under the same id', async (_, act) => {
    const scene = await ran();
    callTool(scene.container, REPORT);
    const first = await FakeTransfer.next(scene.runner);
    act(first);
    const second = await FakeTransfer.next(scene.runner);
    expect(second.request).toEqual(first.request);
    second.json(file());
    expect(await scene.container.answer()).toMatchObject({ is_error: false });
    expect(await events(scene)).toHaveLength(1);
  });

  it('that cannot be kept for a minute is an error at last', async () => {
    const scene = await ran();
    callTool(scene.container, REPORT);
    const first = await FakeTransfer.next(scene.runner);
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: now + 61_000 });
    first.refuse('storage_unavailable', 'it is away');
    expect(await scene.container.answer()).toMatchObject({
      is_error: true,
      text: expect.stringContaining('storage_unavailable'),
    });
  });

  it('is shared once, also when the edge forgets in the middle', async () => {
    const scene = await ran();
    callTool(scene.container, REPORT);
    const first = await FakeTransfer.next(scene.runner);
    await runInDurableObject(sessionObject(scene.id), (_, ctx) => ctx.abort('moved')).catch(() => undefined);
    const back = await FakeContainer.connect(scene.container.launch);
    const second = await FakeTransfer.next(scene.runner);
    expect(idOf(second)).toBe(idOf(first));
    second.json(file());
    expect(await back.answer()).toMatchObject({ is_error: false, structured: { artifact_id: idOf(first) } });
    expect(await events(scene)).toHaveLength(1);
    expect((await artifacts(scene)).data).toHaveLength(1);
  });

  it('that nobody waits for any more is not shared, and its copy is dropped', async () => {
    const scene = await ran();
    const call_id = callTool(scene.container, REPORT);
    const transfer = await FakeTransfer.next(scene.runner);
    scene.container.say({ notice: 'tool_cancelled', call_id });
    await scene.container.stored();
    transfer.json(file());
    const dropped = await scene.runner.control.next(isDrop(idOf(transfer)));
    expect(dropped.trees).toEqual([{ snapshot_id: idOf(transfer), tree: 'artifact' }]);
    expect(await events(scene)).toEqual([]);
  });

  it('is refused past the number that a session may have', async () => {
    const scene = await ran();
    await runInDurableObject(sessionObject(scene.id), (_, ctx) => {
      for (let n = 0; n < MAX_ARTIFACTS; n += 1)
        ctx.storage.sql.exec("INSERT INTO artifacts (id, storage, view) VALUES (?, 's', '{}')", String(n));
    });
    callTool(scene.container, REPORT);
    expect(await scene.container.answer()).toMatchObject({
      is_error: true,
      text: expect.stringContaining(String(MAX_ARTIFACTS)),
    });
  });

  it('of a child is the child’s', async () => {
    const parent = await ran();
    const id = await spawn(parent.user, parent.id);
    const child = { ...parent, id, container: await parent.runner.start(id) };
    await share(child);
    expect((await artifacts(child)).data).toHaveLength(1);
    expect((await artifacts(parent)).data).toEqual([]);
    expect(await events(parent)).toEqual([]);
  });

  it('that was kept when its session was deleted is dropped', async () => {
    const scene = await ran();
    callTool(scene.container, REPORT);
    const transfer = await FakeTransfer.next(scene.runner);
    const directory = env.DIRECTORY.get(env.DIRECTORY.idFromString(scene.container.launch.files.owner));
    // As far as the owner's directory: the session's object has not been erased yet.
    await directory.remove(scene.id);
    transfer.json(file());
    const dropped = await scene.runner.control.next(isDrop(idOf(transfer)));
    expect(dropped.trees).toEqual([{ snapshot_id: idOf(transfer), tree: 'artifact' }]);
  });
});
