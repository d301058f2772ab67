import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { readManifest } from '../../../../runner/snapshot/format/manifest.ts';
import { restoreTree } from '../../../../runner/snapshot/restore/restore-tree.ts';
import { saveSnapshot } from '../../../../runner/snapshot/save/save-snapshot.ts';
import { packKey } from '../../../../runner/snapshot/format/storage-keys.ts';
import { recoverTree } from '../../../../runner/snapshot/restore/swap-tree.ts';
import { sweepPacks } from '../../../../runner/snapshot/sweep.ts';
import { FolderStore } from '../../../../runner/storage/folder-store.ts';
import { bytesOf, look } from '../../../support/snapshot/disk-tree.ts';
import { down, MemoryStore } from '../../../support/snapshot/memory-store.ts';
import { goOn, OWNER, Session, small } from '../../../support/snapshot/session.ts';
import { scratch } from '../../../support/scratch.ts';

/** Enough for several packs of several blocks: some files have two. */
function fillWorkspace({ workspace, conversation }: Session): void {
  for (let n = 0; n < 12; n += 1)
    writeFileSync(path.join(workspace, `large-${n}`), bytesOf(n % 4 === 0 ? 2_500_000 : 600_000, 2 * n + 1));
  mkdirSync(path.join(conversation, 'projects'));
  writeFileSync(path.join(conversation, 'projects', 'x.jsonl'), '{}\n');
}

test('a snapshot that fails at any put leaves the one before it whole, and nothing that says that it is there', async () => {
  const store = new MemoryStore();
  const session = new Session(store, scratch());
  fillWorkspace(session);
  const before = await session.save(small);
  const was = look(session.workspace);
  for (let n = 0; n < 12; n += 3)
    writeFileSync(path.join(session.workspace, `large-${n}`), bytesOf(3_000_000, 2 * n + 31));

  let failures = 0;
  for (let failing = 1; ; failing += 1) {
    // It fails before it was put, or was put and its answer is lost.
    for (const moment of ['beforePut', 'afterPut'] as const) {
      store.puts = 0;
      store[moment] = (_key, put) => {
        if (put === failing) throw down();
      };
      const input = session.input(small);
      const saved = await saveSnapshot(store, input, goOn);
      store.beforePut = store.afterPut = () => {};
      expect(look(await session.restore(before.id))).toEqual(was);
      if (saved.ok) {
        expect(store.puts).toBeLessThan(failing);
        expect(failures).toBeGreaterThanOrEqual(10);
        return;
      }
      failures += 1;
      expect(saved.why).toBe('storage_unavailable');
      // A list that is there all the same is whole.
      const trees = store.keys(input.snapshot_id).filter((key) => key.includes('/trees/'));
      if (trees.some((key) => key.endsWith('.workspace')))
        expect(look(await session.restore(input.snapshot_id))).toEqual(look(session.workspace));
      await store.remove(trees);
      // What it put is gone, or goes with the sweep; what the other one needs stays.
      await sweepPacks(store, OWNER, 1_000_000_000_000_000);
      await sweepPacks(store, OWNER, 1_000_000_010_000_000);
    }
  }
});

test('a runner that is killed at any moment leaves the snapshot before whole', async () => {
  const root = scratch();
  const store = new FolderStore(path.join(root, 'storage'));
  await store.open();
  const session = new Session(store, path.join(root, 'session'));
  fillWorkspace(session);
  const before = await session.save(small);
  const was = look(session.workspace);
  const child = path.join(import.meta.dirname, '../../../support/snapshot', 'save-forever.ts');
  let stored = 0;
  for (let round = 0; round < 12; round += 1) {
    const args = [path.join(root, 'storage'), session.root, OWNER, String(small.pack_bytes)];
    const runner = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(runner, 'exit');
    // Each line is a put that has begun, or a snapshot that was told to be stored.
    const last: string[] = [];
    let left = 1 + ((round * 7) % 11);
    for await (const line of createInterface({ input: runner.stdout })) {
      if (line.startsWith('stored ')) last.push(line.slice('stored '.length));
      left -= 1;
      if (left === 0) runner.kill('SIGKILL');
    }
    await ended;
    expect(look(await session.restore(before.id))).toEqual(was);
    for (const id of last) {
      stored += 1;
      expect((await session.restore(id)).length).toBeGreaterThan(0);
    }
  }
  expect(stored).toBeGreaterThan(0);
});

test('a restore that is interrupted leaves what was there', async () => {
  const store = new MemoryStore();
  const session = new Session(store, scratch());
  fillWorkspace(session);
  const { id } = await session.save(small);
  appendFileSync(path.join(session.workspace, 'large-3'), 'changed since');
  const was = look(session.workspace);
  const input = {
    owner: OWNER,
    snapshot_id: id,
    tree: 'workspace',
    into: session.workspace,
    cache: session.cache,
  } as const;

  let steps = 0;
  const interrupted = restoreTree(store, input, () => {
    steps += 1;
    if (steps === 8) throw new Error('the machine stops');
  });
  await expect(interrupted).rejects.toThrow('the machine stops');
  expect(look(session.workspace)).toEqual(was);

  // Between the two renames there is nothing in its place.
  renameSync(session.workspace, `${session.workspace}.replaced`);
  mkdirSync(`${session.workspace}.restoring`);
  recoverTree(session.workspace);
  expect(look(session.workspace)).toEqual(was);

  await session.restore(id, { into: session.workspace });
  expect(look(session.workspace)).not.toEqual(was);
  expect(existsSync(`${session.workspace}.restoring`)).toBe(false);
  expect(existsSync(`${session.workspace}.replaced`)).toBe(false);
});

test('a damaged or missing pack or list is found out, and the old files stay', async () => {
  const store = new MemoryStore();
  const session = new Session(store, scratch());
  fillWorkspace(session);
  for (let n = 0; n < 20; n += 1) writeFileSync(path.join(session.workspace, `small-${n}`), bytesOf(5000, 2 * n + 1));
  const { id } = await session.save(small);
  const into = path.join(session.root, 'old');
  mkdirSync(into);
  writeFileSync(path.join(into, 'file'), 'old');
  const restore = () =>
    restoreTree(store, { owner: OWNER, snapshot_id: id, tree: 'workspace', into, cache: session.cache }, goOn);
  const [list = ''] = store.keys(`${id}.workspace`);
  const { packs, blocks } = readManifest(store.objects.get(list) ?? Buffer.alloc(0)).contents;
  expect(packs.length).toBeGreaterThan(2);
  const keyOf = (pack: number) => packKey(OWNER, packs[pack]?.id ?? '');
  const damage = async (key: string, at: number) => {
    const whole = store.objects.get(key) ?? Buffer.alloc(0);
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
    store.objects.set(key, damaged);
    expect(await restore(), `${key} at ${at} of ${whole.length}`).toMatchObject({ ok: false, why: 'damaged' });
    store.objects.set(key, whole);
  };
  for (const { pack, offset, stored } of blocks) await damage(keyOf(pack), offset + (stored >> 1));
  for (const at of [0, 20, 60, (store.objects.get(list)?.length ?? 0) - 1]) await damage(list, at);
  for (const key of [...packs.keys()].map(keyOf).concat(list)) {
    const whole = store.objects.get(key) ?? Buffer.alloc(0);
    store.objects.set(key, whole.subarray(0, whole.length - 1));
    expect(await restore()).toMatchObject({ ok: false, why: 'damaged' });
    store.objects.delete(key);
    expect(await restore()).toMatchObject({ ok: false, why: key === list ? 'snapshot_missing' : 'damaged' });
    store.objects.set(key, whole);
  }
  expect(readFileSync(path.join(into, 'file'), 'utf8')).toBe('old');
  rmSync(into, { recursive: true });
  expect(await restore()).toMatchObject({ ok: true });
});
