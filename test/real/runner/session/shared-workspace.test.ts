import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { PlacementKey } from '../../../../protocol/link/runner-control.ts';
import { sharedFile } from '../../../../protocol/api/files/artifact.ts';
import type { DataFolder } from '../../../../runner/lib/data-folder.ts';
import type { Log } from '../../../../runner/lib/log.ts';
import { FakeEdge } from '../../../support/runner/fake-edge.ts';
import { LastingBackend } from '../../../support/runner/lasting-backend.ts';
import { FAKE_WRAPPER } from '../../../support/runner/fake-wrapper-bundle.ts';
import { NEW_FILES, runRunner, sessionId, type RunnerSetUp } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';

const PARENT = { session_id: sessionId(1), epoch: 1 };
const CHILD = { session_id: sessionId(2), epoch: 1 };
const GRANDCHILD = { session_id: sessionId(3), epoch: 1 };
const SHARES = { workspace_of: PARENT.session_id };

const have = async (edge: FakeEdge, { session_id }: PlacementKey, prompt: string, answer: string) => {
  edge.prompt(session_id, prompt);
  await edge.line(session_id, (line) => line === answer);
};

/** A parent and a child that works in its files, both running. */
async function family(options: RunnerSetUp = {}) {
  const runner = await runRunner(options);
  const { edge, launch, launchWith } = runner;
  launch(PARENT);
  await edge.line(PARENT.session_id, (line) => line.includes('"resume"'));
  launchWith(CHILD, SHARES);
  await edge.line(CHILD.session_id, (line) => line.includes('"resume"'));
  return { ...runner, workspace: (key: PlacementKey) => path.join(runner.session(key), 'workspace') };
}

const ended = (edge: FakeEdge, { session_id, epoch }: PlacementKey) =>
  edge.changes.until(() => {
    const frames = edge.control.flatMap((frame) => (frame.kind === 'ended' ? [frame] : []));
    return frames.find((frame) => frame.session_id === session_id && frame.epoch === epoch)?.reason;
  });

/** An edge, a folder, and containers that outlive a runner, for as many of them as come. */
async function lasting() {
  let backend: LastingBackend | undefined;
  const edge = await FakeEdge.start();
  onTestFinished(async () => {
    for (const { key } of (await backend?.list()) ?? []) await backend?.remove(key);
    await edge.close();
  });
  const makeBackend = ({ sessions }: DataFolder, log: Log) =>
    (backend ??= new LastingBackend({
      wrapperBundle: FAKE_WRAPPER,
      claudePath: process.execPath,
      path: process.env['PATH'] ?? '',
      sessions,
      log,
    }));
  return { edge, folder: scratch(), makeBackend };
}

test('a session that shares another’s files works in them, and has its conversation to itself', async () => {
  const { edge, workspace, session, snapshots } = await family();
  await have(edge, PARENT, 'write a one', 'wrote a');
  await have(edge, CHILD, 'write b two', 'wrote b');
  await have(edge, CHILD, 'converse heron', 'conversed');
  expect(readdirSync(workspace(PARENT)).sort()).toEqual(['a', 'b']);
  expect(readdirSync(workspace(CHILD))).toEqual([]);
  expect(existsSync(path.join(session(CHILD), 'claude', 'projects'))).toBe(true);
  expect(existsSync(path.join(session(PARENT), 'claude', 'projects'))).toBe(false);
  edge.order({ kind: 'stop', ...CHILD });
  const { snapshot_id } = await edge.report(() => true);
  expect(readdirSync(snapshots.workspace(snapshot_id))).toEqual([]);
  expect(edge.control.some((frame) => frame.kind === 'ended' && frame.session_id === PARENT.session_id)).toBe(false);
});

test('is launched only beside a container of the session whose files they are', async () => {
  const { edge, launch, launchWith } = await runRunner();
  launchWith(CHILD, SHARES);
  const reason = {
    code: 'parent_unavailable',
    detail: expect.stringContaining('Send the session whose files they are'),
  };
  expect(await ended(edge, CHILD)).toMatchObject(reason);
  launch(PARENT);
  await edge.line(PARENT.session_id, (line) => line.includes('"resume"'));
  await have(edge, PARENT, 'bequeath x y', 'will do');
  edge.order({ kind: 'stop', ...PARENT });
  launchWith({ ...CHILD, epoch: 2 }, SHARES);
  expect(await ended(edge, { ...CHILD, epoch: 2 })).toMatchObject(reason);
  const started = edge.control.flatMap((frame) => (frame.kind === 'started' ? [frame.session_id] : []));
  expect(started).toEqual([PARENT.session_id]);
});

test.each([
  ['dies', (edge: FakeEdge) => edge.prompt(PARENT.session_id, 'exit 3')],
  ['is stopped', (edge: FakeEdge) => edge.order({ kind: 'stop', ...PARENT })],
  ['is not wanted', (edge: FakeEdge) => edge.order({ kind: 'welcome', wanted: [CHILD, GRANDCHILD] })],
])(
  'when a container %s, those that share its files end first, and the snapshot has their last words',
  async (_, end) => {
    const { edge, launchWith, snapshots } = await family();
    launchWith(GRANDCHILD, SHARES);
    await edge.line(GRANDCHILD.session_id, (line) => line.includes('"resume"'));
    await have(edge, CHILD, 'bequeath child late', 'will do');
    await have(edge, GRANDCHILD, 'bequeath grandchild later', 'will do');
    end(edge);
    expect(await ended(edge, CHILD)).toMatchObject({ code: 'parent_unavailable' });
    expect(await ended(edge, GRANDCHILD)).toMatchObject({ code: 'parent_unavailable' });
    await ended(edge, PARENT);
    await edge.changes.until(() => edge.control.filter(({ kind }) => kind === 'snapshot').length === 3);
    const saved = edge.control.flatMap((frame) => (frame.kind === 'snapshot' ? [frame] : []));
    const parents = saved.filter(({ session_id }) => session_id === PARENT.session_id);
    expect(parents).toMatchObject([{ report: { state: 'stored', final: true } }]);
    const held = snapshots.workspace(parents[0]?.report.snapshot_id ?? '');
    expect(readFileSync(path.join(held, 'child'), 'utf8')).toBe('late');
    expect(readFileSync(path.join(held, 'grandchild'), 'utf8')).toBe('later');
  },
);

test('a newer launch of the session whose files are shared waits until nobody works in them', async () => {
  const { edge, launch, workspace } = await family();
  await have(edge, CHILD, 'bequeath child late', 'will do');
  edge.session(PARENT.session_id).items.length = 0;
  launch({ ...PARENT, epoch: 2 });
  await edge.line(PARENT.session_id, (line) => line.includes('"resume"'));
  expect(readFileSync(path.join(workspace(PARENT), 'child'), 'utf8')).toBe('late');
  expect(await ended(edge, CHILD)).toMatchObject({ code: 'parent_unavailable' });
});

test('to remove the session whose files are shared ends those that share them', async () => {
  const { edge, session } = await family();
  edge.order({ kind: 'remove', session_id: PARENT.session_id });
  expect(await edge.frame('removed')).toMatchObject({ session_id: PARENT.session_id });
  expect(await ended(edge, CHILD)).toMatchObject({ code: 'parent_unavailable' });
  expect(existsSync(session(PARENT))).toBe(false);
});

test('a drain ends all of them as what it is', async () => {
  const { edge, runner } = await family();
  await runner.drain();
  expect(await ended(edge, CHILD)).toMatchObject({ code: 'runner_draining' });
  expect(await ended(edge, PARENT)).toMatchObject({ code: 'runner_draining' });
});

test('what an agent shares with people is out of the files in which it works', async () => {
  const { edge } = await family({ storageFolder: scratch() });
  await have(edge, PARENT, 'write report all is well', 'wrote report');
  const transfer_id = sessionId(70);
  const request = { op: 'share', artifact_id: sessionId(71), path: 'report' } as const;
  edge.order({ kind: 'transfer', session_id: CHILD.session_id, transfer_id, files: NEW_FILES, request });
  const transfer = await edge.changes.until(() => edge.transfers.get(transfer_id));
  await edge.changes.until(() => transfer.frames.some(({ kind }) => kind === 'end' || kind === 'refused'));
  const answer = JSON.parse(Buffer.concat(transfer.bytes).toString());
  expect(sharedFile.parse(answer)).toMatchObject({ path: 'report', bytes: 11 });
});

test('the next runner process knows who shares whose files', async () => {
  const options = await lasting();
  const { edge } = options;
  const first = await family(options);
  await have(edge, CHILD, 'bequeath child late', 'will do');
  await first.runner.detach();
  const second = await runRunner(options);
  expect((await edge.frame('hello', 1)).running).toHaveLength(2);
  second.launchWith(GRANDCHILD, SHARES);
  await edge.line(GRANDCHILD.session_id, (line) => line.includes('"resume"'));
  edge.order({ kind: 'stop', ...PARENT });
  expect(await ended(edge, CHILD)).toMatchObject({ code: 'parent_unavailable' });
  await ended(edge, PARENT);
  const report = await edge.report(({ version }) => version === 1);
  expect(report.state).toBe('stored');
  await edge.changes.until(() => edge.control.filter(({ kind }) => kind === 'snapshot').length === 3);
  const [saved] = edge.control.flatMap((frame) =>
    frame.kind === 'snapshot' && frame.session_id === PARENT.session_id ? [frame.report] : [],
  );
  const held = second.snapshots.workspace(saved?.snapshot_id ?? '');
  expect(readFileSync(path.join(held, 'child'), 'utf8')).toBe('late');
});

test('those that shared the files of a container that died unseen are ended by the next runner process, which then saves them', async () => {
  const options = await lasting();
  const { edge } = options;
  const first = await family(options);
  await have(edge, CHILD, 'bequeath child late', 'will do');
  await first.runner.detach();
  const { pid } = JSON.parse(readFileSync(path.join(first.session(PARENT), 'process.json'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => existsSync(path.join(first.session(PARENT), 'process.json'))).toBe(false);
  const second = await runRunner(options);
  expect(await ended(edge, CHILD)).toMatchObject({ code: 'parent_unavailable' });
  expect(await ended(edge, PARENT)).toMatchObject({ code: 'container_exited' });
  await edge.changes.until(() => edge.control.filter(({ kind }) => kind === 'snapshot').length === 2);
  const [saved] = edge.control.flatMap((frame) =>
    frame.kind === 'snapshot' && frame.session_id === PARENT.session_id ? [frame.report] : [],
  );
  expect(saved).toMatchObject({ state: 'stored', final: true });
  const held = second.snapshots.workspace(saved?.snapshot_id ?? '');
  expect(readFileSync(path.join(held, 'child'), 'utf8')).toBe('late');
});
