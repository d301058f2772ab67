import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../../runner/lib/log.ts';
import { Snapshots } from '../../../../runner/snapshot/snapshots.ts';
import { openStorage } from '../../../../runner/storage/open-storage.ts';
import type { StorageSettings } from '../../../../runner/storage/storage-settings.ts';
import { ObjectStorage } from '../../../support/object-storage/object-storage.ts';
import { keptLog } from '../../../support/quiet-log.ts';
import { scratch } from '../../../support/scratch.ts';
import { bytesOf, look } from '../../../support/snapshot/disk-tree.ts';
import { OWNER } from '../../../support/snapshot/session.ts';
import { until } from '../../../support/until.ts';

const never = new AbortController().signal;

async function setUp(settings: StorageSettings) {
  const root = scratch();
  const store = await openStorage(settings, root, createLog('silent'));
  const snapshots = new Snapshots({ store, log: createLog('silent') });
  onTestFinished(async () => {
    await snapshots.close();
    store.close();
  });
  const [workspace, conversation, cache] = ['workspace', 'claude', 'cache'].map((name) => path.join(root, name));
  if (workspace === undefined || conversation === undefined || cache === undefined) throw new Error('no folders');
  mkdirSync(workspace);
  mkdirSync(path.join(conversation, 'projects'), { recursive: true });
  writeFileSync(path.join(conversation, 'projects', 'x.jsonl'), '{"type":"user"}\n');
  writeFileSync(path.join(workspace, 'large'), bytesOf(5_000_000, 1));
  writeFileSync(path.join(workspace, 'small'), 'small');
  const save = async (signal = never) => {
    const input = { owner: OWNER, snapshot_id: randomUUID(), workspace, conversation, cache, base: null };
    const saved = await snapshots.save({ ...input, quota_bytes: null, signal });
    return { saved, id: input.snapshot_id };
  };
  const restore = async (snapshot_id: string, tree: 'workspace' | 'conversation' = 'workspace') => {
    const into = path.join(root, `restored-${randomUUID()}`);
    const restored = await snapshots.restore({
      owner: OWNER,
      snapshot_id,
      tree,
      into,
      cache: `${into}.cache`,
      signal: never,
    });
    return { restored, into };
  };
  return { root, store, snapshots, workspace, conversation, save, restore };
}

test('files go through the threads and come back, in a folder of the runner', async () => {
  const { workspace, conversation, save, restore, snapshots } = await setUp({ kind: 'folder', folder: null });
  const first = await save();
  expect(first.saved).toMatchObject({ ok: true, files: 4, skipped: [] });
  const workspaceAgain = await restore(first.id);
  expect(look(workspaceAgain.into)).toEqual(look(workspace));
  expect(look((await restore(first.id, 'conversation')).into)).toEqual(look(conversation));
  const names = [];
  for await (const entry of snapshots.entries(OWNER, first.id, 'workspace')) names.push(entry.path.toString());
  expect(names).toEqual(['large', 'small']);
});

test('several at once are each done', async () => {
  const { workspace, save, restore } = await setUp({ kind: 'folder', folder: null });
  const all = await Promise.all(Array.from({ length: 5 }, () => save()));
  for (const { saved, id } of all) {
    expect(saved.ok).toBe(true);
    expect(look((await restore(id)).into)).toEqual(look(workspace));
  }
});

test('one that is given up says so', async () => {
  const { save } = await setUp({ kind: 'folder', folder: null });
  expect((await save(AbortSignal.abort())).saved).toEqual({
    ok: false,
    why: 'failed',
    detail: 'The snapshot was given up',
  });
});

test('a snapshot that is not there is told from one that is damaged', async () => {
  const { restore } = await setUp({ kind: 'folder', folder: null });
  const id = randomUUID();
  expect((await restore(id)).restored).toEqual({
    ok: false,
    why: 'snapshot_missing',
    detail: `The snapshot ${id} is not in the storage`,
  });
});

test('a bug ends the thread, is in the log, and the next snapshot is none the worse', async () => {
  const { store, conversation, workspace, root } = await setUp({ kind: 'folder', folder: null });
  const { lines, log } = keptLog();
  const snapshots = new Snapshots({ store, log });
  onTestFinished(() => snapshots.close());
  const input = { owner: OWNER, workspace, conversation, cache: path.join(root, 'c'), base: null, quota_bytes: null };
  // No caller gives a key like this one.
  const broken = await snapshots.save({ ...input, owner: '../../../x', snapshot_id: randomUUID(), signal: never });
  expect(broken).toMatchObject({ ok: false, why: 'failed' });
  expect(lines.join('')).toContain('snapshot_thread_failed');
  expect(await snapshots.save({ ...input, snapshot_id: randomUUID(), signal: never })).toMatchObject({ ok: true });
});

test('in S3: an incremental chain, and a storage that is down is told as such until it is back', async () => {
  const s3 = await ObjectStorage.start();
  onTestFinished(() => s3.stop());
  const { S3_ENDPOINT = '', S3_BUCKET = '' } = s3.environment;
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const settings = {
    kind: 's3',
    endpoint: S3_ENDPOINT,
    bucket: S3_BUCKET,
    region: 'us-east-1',
    prefix: 'p',
    credentials,
  } as const;
  const { workspace, save, restore, snapshots } = await setUp(settings);
  const first = await save();
  if (!first.saved.ok) expect.fail(first.saved.detail);
  const was = look(workspace);
  appendFileSync(path.join(workspace, 'small'), ', and more');
  const second = await save();
  expect(second.saved.ok && second.saved.new_bytes).toBeLessThan(10_000);
  expect(look((await restore(first.id)).into)).toEqual(was);
  expect(look((await restore(second.id)).into)).toEqual(look(workspace));

  await s3.down();
  const refused = await save();
  expect(refused.saved).toMatchObject({ ok: false, why: 'storage_unavailable' });
  expect(!refused.saved.ok && refused.saved.detail).toContain(
    'cannot be reached: is it running, and is S3_ENDPOINT right?',
  );
  expect((await restore(first.id)).restored).toMatchObject({ ok: false, why: 'storage_unavailable' });
  await s3.up();
  await until(async () => expect((await save()).saved).toMatchObject({ ok: true }));
  const dropped = [{ snapshot_id: first.id, tree: 'workspace' as const }];
  await snapshots.drop(OWNER, dropped);
  expect((await restore(first.id)).restored).toMatchObject({ ok: false, why: 'snapshot_missing' });
  expect(await snapshots.sweep(OWNER)).toMatchObject({ removed: 0 });
});
