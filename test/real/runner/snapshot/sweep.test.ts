import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { saveSnapshot } from '../../../../runner/snapshot/save/save-snapshot.ts';
import { Snapshots } from '../../../../runner/snapshot/snapshots.ts';
import { leaseKey } from '../../../../runner/snapshot/format/storage-keys.ts';
import type { SweepResult } from '../../../../runner/snapshot/sweep.ts';
import { ownerUsage } from '../../../../runner/snapshot/save/usage.ts';
import { createLog } from '../../../../runner/lib/log.ts';
import { bytesOf, look } from '../../../support/snapshot/disk-tree.ts';
import { MemoryStore } from '../../../support/snapshot/memory-store.ts';
import { goOn, OWNER, Session } from '../../../support/snapshot/session.ts';
import { scratch } from '../../../support/scratch.ts';

const HOUR = 3_600_000;
const log = createLog('silent');

const trees = (snapshot_id: string) => (['workspace', 'conversation'] as const).map((tree) => ({ snapshot_id, tree }));

function setUp() {
  const store = new MemoryStore();
  const session = new Session(store, scratch());
  const file = (name: string, seed: number) =>
    writeFileSync(path.join(session.workspace, name), bytesOf(200_000, seed));
  return { store, session, file, snapshots: new Snapshots({ store, log }) };
}

test('bytes that no snapshot refers to go after two sweeps an hour apart; what another one refers to stays', async () => {
  const { store, session, file, snapshots } = setUp();
  file('a', 1);
  const first = await session.save();
  file('b', 3);
  const second = await session.save();
  rmSync(path.join(session.workspace, 'a'));
  file('b', 5);
  const third = await session.save();
  expect(store.keys('/packs/')).toHaveLength(3);
  await snapshots.drop(OWNER, [...trees(first.id), ...trees(second.id)]);

  const t = Date.now();
  expect(await snapshots.sweep(OWNER, t)).toMatchObject({ removed: 0, marked: 2 });
  expect(await snapshots.sweep(OWNER, t + HOUR - 1)).toMatchObject({ removed: 0, marked: 2 });
  expect(await snapshots.sweep(OWNER, t + HOUR)).toMatchObject({ removed: 2, marked: 0, withheld: null });
  expect(store.keys('/packs/')).toHaveLength(1);
  expect(await ownerUsage(store, OWNER)).toBe((await snapshots.sweep(OWNER, t + HOUR)).owner_bytes);
  expect(look(await session.restore(third.id))).toEqual(look(session.workspace));
});

test('what a snapshot in progress refers to stays, however long it takes', async () => {
  const { store, session, file, snapshots } = setUp();
  file('a', 1);
  const first = await session.save();
  await session.restore(first.id, { into: session.workspace, cache: session.cache });
  file('b', 3);
  const input = session.input();
  const t = Date.now();
  const swept: SweepResult[] = [];
  store.beforePut = async (key) => {
    if (!key.includes('/trees/') || swept.length > 0) return;
    // Its base is dropped, and swept twice, before the list that refers to the base's packs is there. The lease is renewed meanwhile.
    await snapshots.drop(OWNER, trees(first.id));
    swept.push(await snapshots.sweep(OWNER, t));
    store.times.set(leaseKey(OWNER, input.snapshot_id), t + HOUR);
    swept.push(await snapshots.sweep(OWNER, t + HOUR));
  };
  expect(await saveSnapshot(store, input, goOn)).toMatchObject({ ok: true });
  expect(swept[1]).toMatchObject({ removed: 0, marked: 2, withheld: 'a snapshot is being taken' });
  expect(await snapshots.sweep(OWNER, t + 2 * HOUR)).toMatchObject({ removed: 0, marked: 0, withheld: null });
  expect(look(await session.restore(input.snapshot_id))).toEqual(look(session.workspace));
});

test('what a runner left that was ended in the middle keeps nothing for ever', async () => {
  const { store, session, file, snapshots } = setUp();
  file('a', 1);
  const { id } = await session.save();
  const left = leaseKey(OWNER, randomUUID());
  await store.put(left, Buffer.from('{}'));
  await snapshots.drop(OWNER, trees(id));
  const t = Date.now();
  await snapshots.sweep(OWNER, t);
  expect(await store.has(left)).toBe(true);
  await snapshots.sweep(OWNER, t + 2 * HOUR);
  expect([...store.objects.keys()]).toEqual([]);
});

test('a base that was dropped and swept meanwhile is not referred to: all is stored anew', async () => {
  const { session, file, snapshots } = setUp();
  file('a', 1);
  const first = await session.save();
  await session.restore(first.id, { into: session.workspace, cache: session.cache });
  await snapshots.drop(OWNER, trees(first.id));
  const t = Date.now();
  await snapshots.sweep(OWNER, t);
  await snapshots.sweep(OWNER, t + HOUR);
  const second = await session.save({ base: first.id });
  expect(second.new_bytes).toBeGreaterThan(200_000);
  expect(look(await session.restore(second.id))).toEqual(look(session.workspace));
});

test('with a list that cannot be read nothing is removed', async () => {
  const { store, session, file, snapshots } = setUp();
  file('a', 1);
  const first = await session.save();
  file('a', 3);
  const second = await session.save();
  await snapshots.drop(OWNER, trees(first.id));
  const [list = ''] = store.keys(`${second.id}.workspace`);
  const whole = store.objects.get(list) ?? Buffer.alloc(0);
  store.objects.set(list, Buffer.alloc(whole.length));
  const t = Date.now();
  await snapshots.sweep(OWNER, t);
  const swept = await snapshots.sweep(OWNER, t + HOUR);
  expect(swept.removed).toBe(0);
  expect(swept.withheld).toContain(second.id);
  expect(store.keys('/packs/')).toHaveLength(2);
});

test('the trees of an owner are listed, and the owners', async () => {
  const { session, file, snapshots } = setUp();
  file('a', 1);
  const { id } = await session.save();
  const found = [];
  for await (const { snapshot_id, tree } of snapshots.trees(OWNER)) found.push({ snapshot_id, tree });
  expect(found).toEqual(expect.arrayContaining(trees(id)));
  expect(found).toHaveLength(2);
  const owners = [];
  for await (const owner of snapshots.owners()) owners.push(owner);
  expect(owners).toEqual([OWNER]);
});

test('a snapshot that does not fit the quota is refused with what to do, and takes no room', async () => {
  const { store, session, file } = setUp();
  file('a', 1);
  const first = await session.save({ quota_bytes: 1_000_000 });
  expect(first.owner_bytes).toBe(await ownerUsage(store, OWNER));
  writeFileSync(path.join(session.workspace, 'large'), bytesOf(40_000_000, 3));
  const refused = await saveSnapshot(store, session.input({ quota_bytes: 30_000_000 }), goOn);
  expect(refused).toMatchObject({ ok: false, why: 'quota_exceeded' });
  expect(!refused.ok && refused.detail).toContain('The storage quota of 30.0 MB does not suffice: 0.2 MB are taken');
  expect(await ownerUsage(store, OWNER)).toBe(first.owner_bytes);
  const other = 'b'.repeat(64);
  expect(await session.save({ owner: other, quota_bytes: 50_000_000 })).toMatchObject({ ok: true });
});

test('neither waste nor the number of packs grows with the number of snapshots', async () => {
  const { store, session, file, snapshots } = setUp();
  for (let n = 0; n < 40; n += 1) file(`file-${n}`, 2 * n + 1);
  let last = await session.save();
  for (let round = 0; round < 120; round += 1) {
    file(`file-${round % 40}`, 2 * round + 101);
    const next = await session.save();
    await snapshots.drop(OWNER, trees(last.id));
    last = next;
  }
  const t = Date.now();
  await snapshots.sweep(OWNER, t);
  await snapshots.sweep(OWNER, t + HOUR);
  expect(store.keys('/packs/').length).toBeLessThan(32);
  // 8 MB are in use.
  expect(await ownerUsage(store, OWNER)).toBeLessThan(17_000_000);
  expect(look(await session.restore(last.id))).toEqual(look(session.workspace));
});

test('a snapshot is given up when nobody wants it any more, and leaves nothing', async () => {
  const { store, session, file, snapshots } = setUp();
  file('a', 1);
  const input = { ...session.input(), snapshot_id: randomUUID(), signal: AbortSignal.abort() };
  const outcome = await saveSnapshot(store, input, () => input.signal.throwIfAborted()).catch(
    (error: unknown) => error,
  );
  expect(outcome).toBe(input.signal.reason);
  expect(store.keys('/packs/')).toEqual([]);
  expect(store.keys('/saving/')).toEqual([]);
  await snapshots.close();
});
