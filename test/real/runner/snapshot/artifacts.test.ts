import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MAX_ARTIFACT_BYTES } from '../../../../protocol/api/files/artifact.ts';
import { FilesRefused } from '../../../../runner/files/paths/refused.ts';
import { createLog } from '../../../../runner/lib/log.ts';
import { Snapshots } from '../../../../runner/snapshot/snapshots.ts';
import { ownerUsage } from '../../../../runner/snapshot/save/usage.ts';
import type { ObjectStore } from '../../../../runner/storage/object-store.ts';
import { openStorage } from '../../../../runner/storage/open-storage.ts';
import { ObjectStorage } from '../../../support/object-storage/object-storage.ts';
import { scratch } from '../../../support/scratch.ts';
import { bytesOf } from '../../../support/snapshot/disk-tree.ts';
import { down } from '../../../support/snapshot/memory-store.ts';
import { OWNER, Session } from '../../../support/snapshot/session.ts';
import { sharing, sharingInto } from '../../../support/snapshot/sharing.ts';

const HOUR = 3_600_000;
const log = createLog('silent');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const stores: [string, () => Promise<ObjectStore>][] = [
  ['a folder', () => openStorage({ kind: 'folder', folder: scratch() }, '/nowhere', log)],
  [
    'S3',
    async () => {
      const service = await ObjectStorage.start();
      onTestFinished(() => service.stop());
      const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
      const endpoint = service.environment['S3_ENDPOINT'] ?? '';
      const where = { bucket: 'artifacts', region: 'us-east-1', prefix: 'a', credentials };
      return openStorage({ kind: 's3', endpoint, ...where }, '/nowhere', log);
    },
  ],
];

test.each(stores)('a file is kept in %s as it was when it was shared, and read whole or in part', async (_, open) => {
  const store = await open();
  onTestFinished(() => store.close());
  const { share, read, file, workspace } = sharingInto(store);
  const [large, small] = [bytesOf(5_000_001, 7), Buffer.from('a small one')];
  mkdirSync(path.join(workspace, 'out'));
  file('out/large.bin', large);
  file('small.txt', small);
  file('empty', '');
  const kept = [await share('out/large.bin'), await share('small.txt'), await share('empty')];
  expect(kept.map(({ saved }) => saved)).toMatchObject([
    { ok: true, file: { path: 'out/large.bin', bytes: large.length, sha256: sha256(large) } },
    { ok: true, file: { path: 'small.txt', bytes: small.length, sha256: sha256(small) } },
    { ok: true, file: { path: 'empty', bytes: 0, sha256: sha256(Buffer.alloc(0)) } },
  ]);
  file('out/large.bin', 'something else');
  rmSync(path.join(workspace, 'small.txt'));
  const [first, second, third] = kept.map(({ id }) => id);
  const whole = await read(first ?? '');
  expect(whole.head).toMatchObject({ size: large.length, range: null, etag: `"${sha256(large)}"` });
  expect(whole.bytes?.equals(large)).toBe(true);
  expect((await read(second ?? '')).bytes?.toString()).toBe('a small one');
  expect((await read(second ?? '', 'bytes=2-6')).bytes?.toString()).toBe('small');
  expect((await read(third ?? '')).bytes).toHaveLength(0);
  // Over the borders of the blocks that it is stored in, which are 2 MiB.
  const MiB = 1024 * 1024;
  for (const [from, to] of [
    [0, 0],
    [10, 2 * MiB - 1],
    [2 * MiB - 1, 2 * MiB],
    [2 * MiB, 4 * MiB - 1],
    [100, large.length - 1],
    [4 * MiB + 3, large.length - 1],
  ] as const) {
    const part = await read(first ?? '', `bytes=${from}-${to}`);
    expect(part.head).toMatchObject({ size: to - from + 1, range: { first: from, last: to, total: large.length } });
    expect(part.bytes?.equals(large.subarray(from, to + 1)), `${from}-${to}`).toBe(true);
  }
  expect((await read(first ?? '', `bytes=${large.length}-`)).refusal).toMatchObject({ code: 'range_not_satisfiable' });
  expect((await read(randomUUID())).refusal).toMatchObject({ code: 'artifact_not_found' });
});

test('a file over the limit is refused before it is read, and one at the limit is not', async () => {
  const { share, file, workspace, store } = sharing();
  file('large', '');
  truncateSync(path.join(workspace, 'large'), MAX_ARTIFACT_BYTES + 1);
  expect((await share('large')).saved).toMatchObject({ ok: false, why: 'artifact_too_large' });
  expect(store.keys('/packs/')).toEqual([]);
  truncateSync(path.join(workspace, 'large'), MAX_ARTIFACT_BYTES);
  expect((await share('large')).saved).toMatchObject({ ok: true, file: { bytes: MAX_ARTIFACT_BYTES } });
});

test('a copy that is cut off at any put leaves nothing that is there, and the next try is whole', async () => {
  const { share, read, file, store } = sharing();
  const content = bytesOf(40_000_000, 9);
  file('large', content);
  let failures = 0;
  for (let failing = 1; ; failing += 1) {
    store.puts = 0;
    store.beforePut = (_key, put) => {
      if (put === failing) throw down();
    };
    const { id, saved } = await share('large');
    store.beforePut = () => {};
    if (saved.ok) break;
    failures += 1;
    expect(saved.why).toBe('storage_unavailable');
    expect((await read(id)).refusal).toMatchObject({ code: 'artifact_not_found' });
    expect(store.keys('/trees/')).toEqual([]);
    expect(store.keys('/saving/')).toEqual([]);
    // Of the list nobody knows whether it was put: what it names is left to the sweep.
    if (failing < 5) expect(store.keys('/packs/')).toEqual([]);
    const again = await share('large', { artifact_id: id });
    expect(again.saved).toMatchObject({ ok: true });
    expect((await read(id)).bytes?.equals(content)).toBe(true);
    await store.remove(store.keys('owners/'));
  }
  // The lease, three packs, the list.
  expect(failures).toBe(5);
});

test('asked for again, an artifact is the copy that there is', async () => {
  const { share, read, file, store } = sharing();
  file('a', 'as it was');
  const { id, saved } = await share('a');
  file('a', 'as it is now');
  const objects = store.keys('owners/');
  const again = await share('a', { artifact_id: id });
  expect(again.saved).toEqual({ ok: true, file: { ...(saved.ok && saved.file), owner_bytes: null } });
  expect(store.keys('owners/')).toEqual(objects);
  expect((await read(id)).bytes?.toString()).toBe('as it was');
});

test('it counts towards its owner’s quota', async () => {
  const { share, file, store } = sharing();
  file('a', bytesOf(1_000_000, 5));
  const { saved } = await share('a');
  const used = await ownerUsage(store, OWNER);
  expect(saved).toMatchObject({ ok: true, file: { owner_bytes: used } });
  const objects = store.keys('owners/');
  expect((await share('a', { quota_bytes: used + 900_000 })).saved).toMatchObject({
    ok: false,
    why: 'quota_exceeded',
    detail: expect.stringContaining('1.0 MB are taken'),
  });
  expect(store.keys('owners/')).toEqual(objects);
  expect((await share('a', { quota_bytes: 3 * used })).saved).toMatchObject({ ok: true });
});

test('sweeps leave it, name it to who asks the edge, and remove its bytes once it is dropped', async () => {
  const { share, read, file, store } = sharing();
  const snapshots = new Snapshots({ store, log });
  onTestFinished(() => snapshots.close());
  file('a', bytesOf(600_000, 5));
  const [{ id }, other] = [await share('a'), await share('a')];
  const session = new Session(store, scratch());
  await session.save();
  const t = Date.now();
  for (const later of [0, HOUR, 2 * HOUR])
    expect(await snapshots.sweep(OWNER, t + later)).toMatchObject({ removed: 0, marked: 0, withheld: null });
  const trees = [];
  for await (const tree of snapshots.trees(OWNER)) trees.push(tree);
  expect(trees).toContainEqual(expect.objectContaining({ snapshot_id: id, tree: 'artifact' }));
  await snapshots.drop(OWNER, [{ snapshot_id: id, tree: 'artifact' }]);
  expect((await read(id)).refusal).toMatchObject({ code: 'artifact_not_found' });
  expect(await snapshots.sweep(OWNER, t)).toMatchObject({ removed: 0, marked: 1 });
  expect(await snapshots.sweep(OWNER, t + HOUR)).toMatchObject({ removed: 1, marked: 0 });
  expect((await read(other.id)).bytes).toHaveLength(600_000);
});

test('bytes that are not what was kept are never given', async () => {
  const { share, read, file, store } = sharing();
  file('a', bytesOf(100_000, 5));
  const { id } = await share('a');
  const [pack = ''] = store.keys('/packs/');
  const stored = store.objects.get(pack) ?? Buffer.alloc(0);
  stored[50] = (stored[50] ?? 0) ^ 1;
  await expect(read(id)).rejects.toThrow(FilesRefused);
  const [tree = ''] = store.keys('/trees/');
  store.objects.set(tree, Buffer.from('what is this?'));
  await expect(read(id)).rejects.toThrow(FilesRefused);
});
