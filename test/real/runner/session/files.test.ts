import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { SessionFiles } from '../../../../protocol/api/files/files.ts';
import type { PlacementKey } from '../../../../protocol/link/runner-control.ts';
import type { FakeEdge } from '../../../support/runner/fake-edge.ts';
import { FakeSnapshots } from '../../../support/runner/fake-snapshots.ts';
import { NEW_FILES, runRunner, sessionId } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';

const KEY = { session_id: sessionId(1), epoch: 1 };
const SNAPSHOT = sessionId(9);
const FILES: SessionFiles = { ...NEW_FILES, version: 1 };

/** Has the session's container do what the fake wrapper can. */
async function have(edge: FakeEdge, prompt: string, answer: string, id = KEY.session_id): Promise<void> {
  edge.prompt(id, prompt);
  await edge.line(id, (line) => line === answer);
}

async function park(edge: FakeEdge, key: PlacementKey): Promise<void> {
  edge.order({ kind: 'stop', ...key });
  await edge.changes.until(() => edge.control.some((frame) => frame.kind === 'ended' && frame.epoch === key.epoch));
}

/** As a session that was never on this edge's connection before. */
function forget(edge: FakeEdge, id = KEY.session_id): void {
  const session = edge.session(id);
  session.items.length = 0;
  session.commands.length = 0;
  session.notices.length = 0;
}

test('the pool is told which storage this is and how it is, and when that changes', async () => {
  const { edge, snapshots } = await runRunner();
  const health = { ok: true, detail: 'It answers.' };
  expect((await edge.frame('hello')).storage).toEqual({ id: 'storage-1', kind: 'folder', health });
  snapshots.down = true;
  const told = await edge.frame('health');
  expect(told).toMatchObject({ health: { ok: true }, storage: { ok: false, detail: 'It does not answer.' } });
});

test('a stop is answered without waiting for the snapshot, which follows', async () => {
  const { edge, launch, snapshots } = await runRunner();
  const gate = Promise.withResolvers<void>();
  snapshots.gate = gate.promise;
  launch(KEY);
  await have(edge, 'write a one', 'wrote a');
  await park(edge, KEY);
  expect(edge.control.some(({ kind }) => kind === 'snapshot')).toBe(false);
  gate.resolve();
  expect(await edge.report(() => true)).toMatchObject({ trigger: 'parked', state: 'stored', version: 1, final: true });
});

test.each([
  ['as folders that are copied', false],
  ['as they really are', true],
])(
  'a session that was parked on one runner wakes on another that sees the same storage: snapshots %s',
  async (_, real) => {
    const fake = new FakeSnapshots();
    const storage = real ? { storageFolder: scratch() } : { snapshots: fake };
    const first = await runRunner(storage);
    first.launch(KEY);
    await have(first.edge, 'write a one', 'wrote a');
    await have(first.edge, 'converse heron', 'conversed');
    await park(first.edge, KEY);
    const { snapshot_id, storage: id } = await first.edge.report(() => true);
    const second = await runRunner(storage);
    expect((await second.edge.frame('hello')).storage.id).toBe(id);
    const files: SessionFiles = {
      ...FILES,
      version: 2,
      local: 'stale',
      workspace: snapshot_id,
      conversation: snapshot_id,
    };
    second.launchWith({ ...KEY, epoch: 2 }, { files });
    const line = await second.edge.line(KEY.session_id, (said) => said.includes('"resume"'));
    expect(JSON.parse(line).resume).toBe(true);
    expect(readFileSync(path.join(second.session(KEY), 'workspace', 'a'), 'utf8')).toBe('one');
    await second.edge.changes.until(() => second.edge.session(KEY.session_id).notices.length > 0);
    expect(second.edge.session(KEY.session_id).notices).toMatchObject([{ host_notice: 'restored', snapshot_id }]);
    await have(second.edge, 'write a two', 'wrote a');
    await park(second.edge, { ...KEY, epoch: 2 });
    const saved = await second.edge.report(({ version }) => version === 2);
    // And back: what the first one still has is of before.
    forget(first.edge);
    const back: SessionFiles = { ...files, version: 3, workspace: saved.snapshot_id, conversation: saved.snapshot_id };
    first.launchWith({ ...KEY, epoch: 3 }, { files: back });
    await first.edge.line(KEY.session_id, (said) => said.includes('"resume"'));
    expect(readFileSync(path.join(first.session(KEY), 'workspace', 'a'), 'utf8')).toBe('two');
  },
);

test.each([
  ['files_lost', { local: 'required' as const }, false],
  ['restore_failed', { local: 'stale' as const, workspace: SNAPSHOT }, false],
  ['storage_unavailable', { local: 'stale' as const, workspace: SNAPSHOT }, true],
])('a launch whose files cannot be had ends with %s', async (code, given, down) => {
  const { edge, launchWith, snapshots } = await runRunner();
  snapshots.down = down;
  launchWith(KEY, { files: { ...FILES, version: 4, ...given } });
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code } });
  expect(edge.control.some(({ kind }) => kind === 'started')).toBe(false);
});

test('a stop while files are being restored ends the launch', async () => {
  const { edge, launchWith, snapshots } = await runRunner();
  const asked = Promise.withResolvers<void>();
  snapshots.restore = async ({ signal }) => {
    asked.resolve();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return { ok: false, why: 'failed', detail: 'It was given up.' };
  };
  launchWith(KEY, { files: { ...FILES, local: 'stale', workspace: SNAPSHOT } });
  await asked.promise;
  edge.order({ kind: 'stop', ...KEY });
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'stopped_by_user' } });
});

test('a snapshot that is asked for is taken of a running session and of a parked one', async () => {
  const { edge, launch } = await runRunner();
  launch(KEY);
  await have(edge, 'write a one', 'wrote a');
  const order = (snapshot_id: string) =>
    edge.order({ kind: 'snapshot', session_id: KEY.session_id, snapshot_id, trigger: 'requested', files: FILES });
  order(SNAPSHOT);
  expect(await edge.report(({ snapshot_id }) => snapshot_id === SNAPSHOT)).toMatchObject({
    state: 'stored',
    final: false,
  });
  await park(edge, KEY);
  order(sessionId(8));
  expect(await edge.report(({ snapshot_id }) => snapshot_id === sessionId(8))).toMatchObject({ final: true });
});

test('a snapshot of files that are not here fails in words', async () => {
  const { edge } = await runRunner();
  const files: SessionFiles = { ...FILES, version: 3, local: 'required' };
  edge.order({ kind: 'snapshot', session_id: KEY.session_id, snapshot_id: SNAPSHOT, trigger: 'requested', files });
  expect(await edge.report(() => true)).toMatchObject({ state: 'failed', detail: expect.stringContaining('alone') });
});

test('a report is said again on every connection, and by the next process, until it is acknowledged', async () => {
  const folder = scratch();
  const fake = new FakeSnapshots();
  const first = await runRunner({ folder, snapshots: fake });
  first.edge.acknowledgesSnapshots = false;
  first.launch(KEY);
  await have(first.edge, 'write a one', 'wrote a');
  await park(first.edge, KEY);
  const { snapshot_id } = await first.edge.report(() => true);
  first.edge.controlSocket?.terminate();
  await first.edge.frame('snapshot', 1);
  await first.runner.detach();
  const second = await runRunner({ folder, snapshots: fake });
  expect((await second.edge.frame('snapshot')).report.snapshot_id).toBe(snapshot_id);
  await expect.poll(() => readFileSync(path.join(second.session(KEY), 'files.json'), 'utf8')).toContain('"reports":[]');
});

test('what was not saved when the runner ended is saved by the next one', async () => {
  const folder = scratch();
  const fake = new FakeSnapshots();
  fake.down = true;
  const first = await runRunner({ folder, snapshots: fake });
  first.launch(KEY);
  await have(first.edge, 'write a one', 'wrote a');
  await park(first.edge, KEY);
  expect(await first.edge.report(() => true)).toMatchObject({ state: 'pending' });
  await first.runner.detach();
  fake.down = false;
  const second = await runRunner({ folder, snapshots: fake });
  expect(await second.edge.report(() => true)).toMatchObject({ state: 'stored', final: true });
});

test('a drain does not leave before the sessions are saved', async () => {
  const { edge, launch, runner, snapshots } = await runRunner();
  launch(KEY);
  await have(edge, 'write a one', 'wrote a');
  await runner.drain();
  expect(snapshots.stored).toHaveLength(1);
  expect(await edge.report(() => true)).toMatchObject({ state: 'stored' });
});

test('at most two sessions are saved at once', async () => {
  const { edge, launch, snapshots } = await runRunner();
  const keys = [1, 2, 3, 4].map((n) => ({ session_id: sessionId(n), epoch: 1 }));
  for (const key of keys) launch(key);
  for (const key of keys) await have(edge, 'write a one', 'wrote a', key.session_id);
  const gate = Promise.withResolvers<void>();
  snapshots.gate = gate.promise;
  for (const key of keys) edge.order({ kind: 'stop', ...key });
  await edge.frame('ended', 3);
  await snapshots.changes.until(() => snapshots.atOnce === 2);
  gate.resolve();
  await snapshots.changes.until(() => snapshots.stored.length === 4);
  expect(snapshots.mostAtOnce).toBe(2);
});

test('a file is read and written over a transfer, while the session is parked, and the write is saved', async () => {
  const { edge, launch, snapshots, session } = await runRunner();
  launch(KEY);
  await have(edge, 'write a one', 'wrote a');
  await park(edge, KEY);
  await edge.report(() => true);
  const read = {
    op: 'read',
    path: 'a',
    range: null,
    recursive: false,
    limit: 10,
    cursor: null,
    head_only: false,
  } as const;
  const transfer = { kind: 'transfer', session_id: KEY.session_id, files: { ...FILES, version: 2 } } as const;
  edge.order({ ...transfer, transfer_id: sessionId(50), request: read });
  const reading = await edge.changes.until(() => edge.transfers.get(sessionId(50)));
  await edge.changes.until(() => reading.frames.some(({ kind }) => kind === 'end'));
  expect(Buffer.concat(reading.bytes).toString()).toBe('one');
  edge.order({ ...transfer, transfer_id: sessionId(51), request: { op: 'write', path: 'b', mode: null } });
  const writing = await edge.changes.until(() => edge.transfers.get(sessionId(51)));
  writing.socket.send(Buffer.from('two'));
  writing.socket.send(JSON.stringify({ kind: 'end' }));
  await edge.changes.until(() => writing.frames.some(({ kind }) => kind === 'end'));
  expect(readFileSync(path.join(session(KEY), 'workspace', 'b'), 'utf8')).toBe('two');
  const report = await edge.report(({ trigger }) => trigger === 'written');
  expect(report).toMatchObject({ state: 'stored', version: 2, final: true });
  expect(readdirSync(snapshots.workspace(report.snapshot_id)).sort()).toEqual(['a', 'b']);
});

test('a transfer of files that cannot be had is refused, and nobody is dialled', async () => {
  const { edge } = await runRunner();
  const files: SessionFiles = { ...FILES, version: 3, local: 'required' };
  const request = { op: 'delete', path: 'a', recursive: false } as const;
  edge.order({ kind: 'transfer', session_id: KEY.session_id, transfer_id: sessionId(50), files, request });
  expect(await edge.frame('transfer_refused')).toMatchObject({
    transfer_id: sessionId(50),
    refusal: { code: 'files_unavailable' },
  });
  expect(edge.transfers.size).toBe(0);
});

test('a clone is saved as the start, and only then does the container go on', async () => {
  const { edge, launchWith, snapshots } = await runRunner();
  const gate = Promise.withResolvers<void>();
  snapshots.gate = gate.promise;
  launchWith(KEY, { workspace: { type: 'ephemeral', git_repo: 'https://git.test/a' } });
  await snapshots.changes.until(() => snapshots.saves.length === 1);
  expect(edge.session(KEY.session_id).items).not.toContainEqual(expect.objectContaining({ notice: 'ready' }));
  gate.resolve();
  await edge.line(KEY.session_id, (line) => line.includes('"resume"'));
  expect(await edge.report(() => true)).toMatchObject({ trigger: 'start', state: 'stored', final: false });
  await park(edge, KEY);
  await edge.report(({ trigger }) => trigger === 'parked');
  // The second time there is something to work on.
  forget(edge);
  const files: SessionFiles = { ...FILES, version: 2, local: 'preferred' };
  launchWith({ ...KEY, epoch: 2 }, { files, workspace: { type: 'ephemeral', git_repo: 'https://git.test/a' } });
  await edge.line(KEY.session_id, (line) => line.includes('"resume"'));
  expect(edge.session(KEY.session_id).items).not.toContainEqual(expect.objectContaining({ notice: 'cloning' }));
});

test('with the storage away the container goes on after its clone, and the start is stored later as it was', async () => {
  const { edge, launchWith, snapshots } = await runRunner();
  snapshots.down = true;
  launchWith(KEY, { workspace: { type: 'ephemeral', git_repo: 'https://git.test/a' } });
  await edge.line(KEY.session_id, (line) => line.includes('"resume"'));
  await have(edge, 'write README changed', 'wrote README');
  expect(await edge.report(() => true)).toMatchObject({ trigger: 'start', state: 'pending' });
  snapshots.down = false;
  const { snapshot_id } = await edge.report(({ state }) => state === 'stored');
  expect(readFileSync(path.join(snapshots.workspace(snapshot_id), 'README'), 'utf8')).toBe('cloned');
});

test('a fork begins with the conversation of its origin, and is itself from then on', async () => {
  const { edge, launch, launchWith } = await runRunner();
  launch(KEY);
  await have(edge, 'converse heron', 'conversed');
  await park(edge, KEY);
  const { snapshot_id } = await edge.report(() => true);
  const fork = { session_id: sessionId(2), epoch: 1 };
  const files: SessionFiles = {
    ...FILES,
    local: 'stale',
    workspace: snapshot_id,
    conversation: snapshot_id,
    start: snapshot_id,
    fork_of: KEY.session_id,
  };
  const told = async () => JSON.parse(await edge.line(fork.session_id, (line) => line.includes('"resume"')));
  launchWith(fork, { files });
  expect(await told()).toMatchObject({ resume: false, forkOf: KEY.session_id });
  await have(edge, 'converse heron and stork', 'conversed', fork.session_id);
  edge.order({ kind: 'stop', ...fork });
  await edge.frame('ended', 1);
  forget(edge, fork.session_id);
  launchWith({ ...fork, epoch: 2 }, { files: { ...files, version: 2, local: 'required' } });
  const again = await told();
  expect(again.resume).toBe(true);
  expect(again.forkOf).toBeUndefined();
});

test('to remove a session gives up its snapshot, and leaves nothing of it', async () => {
  const { edge, launch, snapshots, session } = await runRunner();
  snapshots.gate = new Promise(() => {});
  launch(KEY);
  await have(edge, 'write a one', 'wrote a');
  await park(edge, KEY);
  await snapshots.changes.until(() => snapshots.saves.length === 1);
  edge.order({ kind: 'remove', session_id: KEY.session_id });
  await edge.frame('removed');
  expect(existsSync(session(KEY))).toBe(false);
  expect(snapshots.stored).toEqual([]);
});

test('what nothing refers to any more is dropped', async () => {
  const { edge, snapshots } = await runRunner();
  const trees = [{ snapshot_id: SNAPSHOT, tree: 'workspace' as const }];
  edge.order({ kind: 'drop', owner: FILES.owner, trees });
  await snapshots.changes.until(() => snapshots.dropped.length > 0);
  expect(snapshots.dropped).toEqual([{ owner: FILES.owner, trees }]);
});

test('copies of parked sessions that nobody touched for long go, if the storage has them', async () => {
  const folder = scratch();
  const fake = new FakeSnapshots();
  const first = await runRunner({ folder, snapshots: fake });
  const other = { session_id: sessionId(2), epoch: 1 };
  first.launch(KEY);
  await have(first.edge, 'write a one', 'wrote a');
  await park(first.edge, KEY);
  await first.edge.report(() => true);
  fake.refusal = { why: 'quota_exceeded', detail: 'full' };
  first.launch(other);
  await have(first.edge, 'write a one', 'wrote a', other.session_id);
  first.edge.order({ kind: 'stop', ...other });
  await first.edge.report(({ state }) => state === 'failed');
  await expect.poll(() => record(first.session(KEY)).reports).toEqual([]);
  await expect.poll(() => record(first.session(other)).reports).toEqual([]);
  await first.runner.detach();
  for (const key of [KEY, other]) {
    const file = path.join(first.session(key), 'files.json');
    writeFileSync(file, JSON.stringify({ ...record(first.session(key)), touched_at: '2026-01-01T00:00:00.000Z' }));
  }
  const second = await runRunner({ folder, snapshots: fake, files: { localCopyDays: 7 } });
  await expect.poll(() => existsSync(second.session(KEY))).toBe(false);
  expect(existsSync(second.session(other))).toBe(true);
});

test('a folder from before sessions’ files were noted is used as it is', async () => {
  const { edge, launchWith, session } = await runRunner();
  for (const name of ['workspace', 'claude']) mkdirSync(path.join(session(KEY), name), { recursive: true });
  writeFileSync(path.join(session(KEY), 'workspace', 'a'), 'old');
  utimesSync(path.join(session(KEY), 'workspace', 'a'), 1, 1);
  launchWith({ ...KEY, epoch: 7 }, { files: { ...FILES, version: 7, local: 'required' } });
  await edge.frame('started');
  expect(readFileSync(path.join(session(KEY), 'workspace', 'a'), 'utf8')).toBe('old');
});

function record(session: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path.join(session, 'files.json'), 'utf8'));
}
