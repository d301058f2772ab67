import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { SessionFiles } from '../../../../protocol/api/files/files.ts';
import type { SnapshotReport } from '../../../../protocol/link/runner-control.ts';
import type { FilesDependencies } from '../../../../runner/session-files/dependencies.ts';
import { LocalFiles } from '../../../../runner/session-files/local-files.ts';
import { sessionFolders } from '../../../../runner/lib/session-folders.ts';
import { Semaphore } from '../../../../runner/lib/semaphore.ts';
import { FakeSnapshots } from '../../../support/runner/fake-snapshots.ts';
import { keptLog } from '../../../support/quiet-log.ts';
import { NEW_FILES, sessionId } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';

/** One session's files on one runner; `again` is the runner's next process. */
async function setUp(given: Partial<FilesDependencies> & { storage?: never; fake?: FakeSnapshots } = {}) {
  const snapshots = given.fake ?? new FakeSnapshots();
  const { changes } = snapshots;
  const folders = sessionFolders(scratch(), sessionId(1));
  const reports: SnapshotReport[] = [];
  const news: SnapshotReport[] = [];
  const note = (list: SnapshotReport[]) => (_: string, report: SnapshotReport) => {
    list.push(report);
    changes.notify();
    return true;
  };
  const open = async () =>
    await LocalFiles.open(sessionId(1), folders, {
      snapshots,
      semaphore: new Semaphore(2),
      storage: () => snapshots.id,
      report: note(reports),
      sendUpdate: note(news),
      owner: undefined,
      containersKnown: () => true,
      everyMs: 0,
      log: keptLog().log,
      backoff: { minMs: 1, maxMs: 10 },
      writtenMs: 5,
      ...given,
    });
  const local = await open();
  const file = (name: string) => path.join(folders.workspace, name);
  /** A launch, what its container does, and its end. */
  const work = async (files: SessionFiles, act: () => void, on = local): Promise<void> => {
    expect(await on.prepare(files, true)).toMatchObject({ ok: true });
    await on.launched(files, false);
    act();
    await on.ended();
  };
  const report = async (fits: (report: SnapshotReport) => boolean) => await changes.until(() => reports.find(fits));
  return { snapshots, changes, folders, reports, news, open, local, file, work, report };
}

const files = (given: Partial<SessionFiles>): SessionFiles => ({ ...NEW_FILES, ...given });
const stored = (report: SnapshotReport) => report.state === 'stored';

test('what a container leaves is saved once it is gone, as the version that it was launched with', async () => {
  const { local, snapshots, report, work, file } = await setUp();
  await work(files({ version: 3 }), () => writeFileSync(file('a'), 'one'));
  expect(await report(stored)).toMatchObject({
    trigger: 'parked',
    version: 3,
    final: true,
    storage: 'storage-1',
    files: 1,
    owner_bytes: 4,
  });
  expect(local.state).toMatchObject({ dirty: false, saves: [] });
  expect(readFileSync(path.join(snapshots.workspace(snapshots.stored[0] ?? ''), 'a'), 'utf8')).toBe('one');
});

test('a second snapshot is told what the first one was', async () => {
  const { snapshots, report, work, file } = await setUp();
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  const first = await report(stored);
  await work(files({ version: 2, local: 'preferred' }), () => writeFileSync(file('b'), 'two'));
  await report((said) => said.version === 2);
  expect(snapshots.saves.map(({ base }) => base)).toEqual([null, first.snapshot_id]);
});

test('files that are not here come from the storage, and that is told', async () => {
  const fake = new FakeSnapshots();
  const home = await setUp({ fake });
  await home.work(files({}), () => writeFileSync(home.file('a'), 'one'));
  const { snapshot_id } = await home.report(stored);
  const away = await setUp({ fake });
  const wanted = files({ version: 2, local: 'stale', workspace: snapshot_id, conversation: snapshot_id });
  expect(await away.local.prepare(wanted, true)).toEqual({
    ok: true,
    restored: { host_notice: 'restored', snapshot_id, files: 1, bytes: 10, ms: expect.any(Number) },
  });
  expect(readFileSync(away.file('a'), 'utf8')).toBe('one');
  expect(away.local.state).toMatchObject({ complete: true, dirty: false, version: 2, base: snapshot_id });
});

test('newest files that are gone end a launch, and a storage that is away says so', async () => {
  const { local, snapshots } = await setUp();
  const lost = await local.prepare(files({ version: 4, local: 'required' }), true);
  expect(lost).toMatchObject({ ok: false, reason: { code: 'files_lost' } });
  const saved = files({ version: 4, local: 'stale', workspace: sessionId(7), conversation: sessionId(7) });
  const missing = await local.prepare(saved, true);
  expect(missing).toMatchObject({ ok: false, reason: { code: 'restore_failed' } });
  snapshots.down = true;
  const away = await local.prepare(saved, true);
  expect(away).toMatchObject({ ok: false, reason: { code: 'storage_unavailable' } });
});

test('a launch whose restore failed is taken up by the next one, though the edge counts it as one that ran here', async () => {
  const fake = new FakeSnapshots();
  const home = await setUp({ fake });
  await home.work(files({}), () => writeFileSync(home.file('a'), 'one'));
  const { snapshot_id } = await home.report(stored);
  const away = await setUp({ fake });
  fake.down = true;
  const saved = { workspace: snapshot_id, conversation: snapshot_id };
  await away.local.prepare(files({ version: 2, local: 'stale', ...saved }), true);
  fake.down = false;
  const again = await away.open();
  expect(await again.prepare(files({ version: 3, local: 'required', ...saved }), true)).toMatchObject({ ok: true });
  expect(readFileSync(away.file('a'), 'utf8')).toBe('one');
});

test('a snapshot that was begun while a container ran is not the last word', async () => {
  const { local, report, file } = await setUp();
  await local.prepare(files({ version: 1 }), true);
  await local.launched(files({ version: 1 }), false);
  writeFileSync(file('a'), 'one');
  await local.requestSnapshot(sessionId(9), 'requested');
  expect(await report((said) => said.snapshot_id === sessionId(9))).toMatchObject({ state: 'stored', final: false });
  expect(local.state?.dirty).toBe(true);
  await local.ended();
  expect(await report(({ trigger }) => trigger === 'parked')).toMatchObject({ final: true });
});

test('a write in the middle of a snapshot makes another one the last word', async () => {
  const { local, snapshots, changes, report, work, file } = await setUp();
  const gate = Promise.withResolvers<void>();
  snapshots.gate = gate.promise;
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  await changes.until(() => snapshots.saves.length === 1);
  await local.prepare(files({ version: 2, local: 'required' }), false);
  await local.beginWrite(files({ version: 2, local: 'required' }));
  writeFileSync(file('a'), 'two');
  local.endWrite();
  gate.resolve();
  expect(await report(({ trigger }) => trigger === 'parked')).toMatchObject({ version: 1, final: false });
  expect(await report(({ trigger }) => trigger === 'written')).toMatchObject({ version: 2, final: true });
});

test('a launch does not wait for a snapshot: it is given up, and taken when the container is gone', async () => {
  const { local, snapshots, changes, report, reports, work, file } = await setUp();
  snapshots.gate = new Promise(() => {});
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  await changes.until(() => snapshots.saves.length === 1);
  expect(await local.prepare(files({ version: 2, local: 'required' }), true)).toMatchObject({ ok: true });
  await local.launched(files({ version: 2, local: 'required' }), false);
  snapshots.gate = undefined;
  expect(reports).toEqual([]);
  expect(local.state?.saves).toHaveLength(1);
  await local.ended();
  expect(await report(stored)).toMatchObject({ trigger: 'parked', version: 2, final: true });
  expect(snapshots.saves[1]?.snapshot_id).toBe(snapshots.saves[0]?.snapshot_id);
});

test('with the storage away a snapshot is pending, and stored when it is back', async () => {
  const { local, snapshots, changes, news, report, reports, work, file } = await setUp();
  snapshots.down = true;
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  await changes.until(() => snapshots.saves.length > 3);
  expect(news).toEqual([expect.objectContaining({ state: 'pending', detail: 'It does not answer.' })]);
  expect(reports).toEqual([]);
  expect(local.removable).toBe(false);
  snapshots.down = false;
  expect(await report(stored)).toMatchObject({ snapshot_id: news[0]?.snapshot_id, final: true });
});

test('what was owed is taken up by the runner’s next process, and said until it is acknowledged', async () => {
  const { local, open, snapshots, changes, news, reports, report, work, file } = await setUp();
  snapshots.down = true;
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  await changes.until(() => news.length === 1);
  await local.requestSnapshot(sessionId(9), 'requested');
  await local.close();
  snapshots.down = false;
  const second = await open();
  await second.adopt(false);
  await report(({ snapshot_id }) => snapshot_id === sessionId(9));
  expect(new Set(snapshots.stored)).toEqual(new Set([news[0]?.snapshot_id, sessionId(9)]));
  await second.close();
  const said = reports.length;
  const third = await open();
  await third.adopt(false);
  expect(reports.slice(said).map(({ snapshot_id }) => snapshot_id)).toEqual(snapshots.stored);
  for (const id of snapshots.stored) await third.acknowledged(id);
  expect(third.removable).toBe(true);
  await third.close();
});

test('a container that died together with the runner is saved by the next one', async () => {
  const { local, open, report, file } = await setUp();
  await local.prepare(files({ version: 1 }), true);
  await local.launched(files({ version: 1 }), false);
  writeFileSync(file('a'), 'one');
  await local.close();
  await (await open()).adopt(false);
  expect(await report(stored)).toMatchObject({ trigger: 'parked', version: 1, final: true });
});

test('a quota that is used up is told, and the next end tries anew', async () => {
  const { local, snapshots, report, work, file } = await setUp();
  snapshots.refusal = { why: 'quota_exceeded', detail: 'All is used.' };
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  expect(await report(({ state }) => state === 'failed')).toMatchObject({ detail: 'All is used.', final: false });
  expect(local.state).toMatchObject({ dirty: true, saves: [] });
  snapshots.refusal = undefined;
  await work(files({ version: 2, local: 'required' }), () => writeFileSync(file('a'), 'two'));
  expect(await report(stored)).toMatchObject({ version: 2, final: true });
});

test('a snapshot that is ordered twice is one, and one that was reported is reported again', async () => {
  const { local, snapshots, report, reports, work, file } = await setUp();
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  await report(stored);
  await local.requestSnapshot(sessionId(9), 'requested');
  await local.requestSnapshot(sessionId(9), 'requested');
  await report(({ snapshot_id }) => snapshot_id === sessionId(9));
  await local.requestSnapshot(sessionId(9), 'requested');
  expect(reports.filter(({ snapshot_id }) => snapshot_id === sessionId(9))).toHaveLength(2);
  expect(snapshots.saves).toHaveLength(2);
});

test('newer files of elsewhere take the place of those here, and what was owed of them is given up', async () => {
  const fake = new FakeSnapshots();
  const home = await setUp({ fake });
  await home.work(files({}), () => writeFileSync(home.file('a'), 'one'));
  const { snapshot_id } = await home.report(stored);
  fake.down = true;
  const here = await setUp({ fake });
  await here.work(files({ version: 1 }), () => writeFileSync(here.file('b'), 'old'));
  await fake.changes.until(() => here.news.length === 1);
  fake.down = false;
  fake.gate = new Promise(() => {});
  const wanted = files({ version: 3, local: 'stale', workspace: snapshot_id, conversation: snapshot_id });
  expect(await here.local.prepare(wanted, true)).toMatchObject({ ok: true });
  expect(readdirSync(here.folders.workspace)).toEqual(['a']);
  expect(await here.report(({ state }) => state === 'failed')).toMatchObject({
    snapshot_id: here.news[0]?.snapshot_id,
    detail: expect.stringContaining('Newer files'),
  });
  expect(here.local.state?.saves).toEqual([]);
});

test('files that were prepared for a launch that never came are saved on', async () => {
  const { local, snapshots, changes, report, work, file } = await setUp();
  snapshots.gate = new Promise(() => {});
  await work(files({ version: 1 }), () => writeFileSync(file('a'), 'one'));
  await changes.until(() => snapshots.saves.length === 1);
  await local.prepare(files({ version: 2, local: 'required' }), true);
  snapshots.gate = undefined;
  local.notLaunched();
  expect(await report(stored)).toMatchObject({ trigger: 'parked', final: true });
});

test('a session that works is saved from time to time, if something has changed', async () => {
  const { local, report, file } = await setUp({ everyMs: 20 });
  await local.prepare(files({ version: 1 }), true);
  await local.launched(files({ version: 1 }), false);
  writeFileSync(file('a'), 'one');
  expect(await report(({ trigger }) => trigger === 'periodic')).toMatchObject({ state: 'stored', final: false });
  await local.close();
});

test('a clone is saved as the start before anything works on it', async () => {
  const { local, report, reports, file, folders } = await setUp();
  const launched = files({ version: 1 });
  await local.prepare(launched, true);
  expect(local.clone.isDue).toBe(true);
  await local.launched(launched, true);
  writeFileSync(file('README'), 'cloned');
  await local.clone.cloned();
  expect(reports).toMatchObject([{ trigger: 'start', state: 'stored', final: false }]);
  expect(local.state?.clone).toBe('done');
  rmSync(folders.workspace, { recursive: true });
  mkdirSync(folders.workspace);
  await local.ended();
  await report(({ trigger }) => trigger === 'parked');
  // The agent emptied it: that is no reason to clone again.
  expect(local.clone.isDue).toBe(false);
});

test('with the storage away what was cloned is set aside, and stored as it was', async () => {
  const { local, snapshots, news, report, file, folders } = await setUp();
  snapshots.down = true;
  await local.prepare(files({ version: 1 }), true);
  await local.launched(files({ version: 1 }), true);
  writeFileSync(file('README'), 'cloned');
  await local.clone.cloned();
  expect(news).toMatchObject([{ trigger: 'start', state: 'pending' }]);
  writeFileSync(file('README'), 'changed since');
  snapshots.down = false;
  const { snapshot_id } = await report(({ trigger }) => trigger === 'start');
  expect(readFileSync(path.join(snapshots.workspace(snapshot_id), 'README'), 'utf8')).toBe('cloned');
  await local.settled();
  expect(existsSync(path.join(folders.root, 'start'))).toBe(false);
});

test('what a clone left that was cut short is cleared away, and it is cloned again', async () => {
  const { local, open, report, file } = await setUp();
  await local.prepare(files({ version: 1 }), true);
  await local.launched(files({ version: 1 }), true);
  mkdirSync(file('.cc-docker-clone/tree/.git'), { recursive: true });
  writeFileSync(file('upload'), 'mine');
  await local.close();
  const next = await open();
  await next.adopt(false);
  await report(stored);
  const second = files({ version: 2, local: 'required' });
  expect(await next.prepare(second, true)).toMatchObject({ ok: true });
  expect(next.clone.isDue).toBe(true);
  // What a client has written meanwhile stays.
  expect(readdirSync(path.dirname(file('upload')))).toEqual(['upload']);
});

test('a snapshot that is asked for in the middle of a clone has the repository, once it is there', async () => {
  for (const ends of ['cloned', 'notCloned'] as const) {
    const { local, snapshots, report, file } = await setUp();
    await local.prepare(files({ version: 1 }), true);
    await local.launched(files({ version: 1 }), true);
    mkdirSync(file('.cc-docker-clone/tree'), { recursive: true });
    await local.requestSnapshot(sessionId(7), 'requested');
    await local.settled();
    expect(snapshots.saves).toEqual([]);
    rmSync(file('.cc-docker-clone'), { recursive: true });
    writeFileSync(file('README'), 'cloned');
    await local.clone[ends]();
    await report((said) => said.snapshot_id === sessionId(7) && stored(said));
    expect(readdirSync(snapshots.workspace(sessionId(7)))).toEqual(['README']);
  }
});

test('a clone that was whole is left for the next launch to go on with', async () => {
  const { local, open, report, file } = await setUp();
  await local.prepare(files({ version: 1 }), true);
  await local.launched(files({ version: 1 }), true);
  mkdirSync(file('.cc-docker-clone/tree/src'), { recursive: true });
  writeFileSync(file('.cc-docker-clone/done.json'), '{}');
  await local.close();
  const next = await open();
  await next.adopt(false);
  await report(stored);
  expect(readdirSync(file('.cc-docker-clone')).sort()).toEqual(['done.json', 'tree']);
  expect(next.clone.isDue).toBe(true);
});

test('a workspace that holds what a client wrote still gets its clone, also after one that failed', async () => {
  const { local, file, report } = await setUp();
  const write = async (version: number, name: string) => {
    await local.prepare(files({ version, local: 'required' }), false);
    await local.beginWrite(files({ version }));
    writeFileSync(file(name), 'mine');
    local.endWrite();
  };
  await local.prepare(files({ version: 1 }), false);
  await write(2, 'a');
  expect(local.clone.isDue).toBe(true);
  await local.prepare(files({ version: 3, local: 'required' }), true);
  await local.launched(files({ version: 3 }), true);
  await local.ended();
  await report(({ version }) => version === 3);
  await write(4, 'b');
  expect(local.clone.isDue).toBe(true);
  await local.prepare(files({ version: 5, local: 'required' }), true);
  expect(readdirSync(path.dirname(file('a'))).sort()).toEqual(['a', 'b']);
  await local.close();
});

test('what was not cloned, because the workspace has files, is not asked for again, and is no start', async () => {
  const { local, reports, report } = await setUp();
  await local.prepare(files({ version: 1 }), true);
  await local.launched(files({ version: 1 }), true);
  await local.clone.notCloned();
  expect(local.clone.isDue).toBe(false);
  await local.ended();
  await report(({ trigger }) => trigger === 'parked');
  expect(reports.map(({ trigger }) => trigger)).toEqual(['parked']);
});

test('a record that cannot be read is an error, not a new beginning', async () => {
  const { folders, open, local, work } = await setUp();
  await work(files({}), () => {});
  await local.close();
  writeFileSync(path.join(folders.root, 'files.json'), '{"version":');
  await expect(open()).rejects.toThrow();
});
