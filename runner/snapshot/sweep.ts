import * as z from 'zod';
import type { ObjectStore } from '../storage/object-store.ts';
import { findLeases } from './save/lease.ts';
import { readContents, type Contents } from './format/manifest.ts';
import { packKey, packsPrefix, sweepKey, treesPrefix } from './format/storage-keys.ts';
import { Damaged } from '../files/paths/tree-entry.ts';

/** Time from the first sweep that finds a pack unreferenced until its removal, milliseconds. */
const SWEEP_GRACE = 60 * 60 * 1000;
/** Bytes that are first read from a manifest's end. Most manifests have their contents section in there. */
const TAIL = 64 * 1024;

/** Unreferenced packs, and when a sweep first found each of them. */
const marks = z.record(z.string(), z.int());

export interface SweepResult {
  /** Unreferenced packs that were removed now. `marked`: those that are left for a later sweep. */
  removed: number;
  removed_bytes: number;
  marked: number;
  /** The size of the owner's part of the storage now, bytes. */
  owner_bytes: number;
  /** Why packs that are due were not removed; null: they were. */
  withheld: string | null;
}

/**
 * Removes an owner's packs to which no tree refers, once two sweeps an hour apart have found them. If one manifest cannot be
 * read, nothing is removed, because it may refer to any pack.
 *
 * @param now milliseconds since 1970
 * @throws StorageUnavailable
 */
export async function sweepPacks(store: ObjectStore, owner: string, now: number): Promise<SweepResult> {
  const packs = new Map<string, number>();
  for await (const { key, size } of store.list(packsPrefix(owner)))
    packs.set(key.slice(packsPrefix(owner).length), size);
  let trees = 0;
  const referred = new Set<string>();
  for await (const { key, size } of store.list(treesPrefix(owner))) {
    trees += size;
    let contents: Contents | null;
    try {
      contents = await contentsOf(store, key, size);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      const all = [...packs.values()].reduce((sum, bytes) => sum + bytes, trees);
      const withheld = `${key}: ${error.message}; what it refers to is not known, so nothing is removed`;
      return { removed: 0, removed_bytes: 0, marked: 0, owner_bytes: all, withheld };
    }
    for (const { id } of contents?.packs ?? []) referred.add(id);
  }
  const before = await readMarks(store, owner);
  const unreferenced = [...packs.keys()].filter((id) => !referred.has(id));
  const marked = new Map(unreferenced.map((id) => [id, before[id] ?? now]));
  const due = unreferenced.filter((id) => now - (marked.get(id) ?? now) >= SWEEP_GRACE);
  // Check leases last: a snapshot that began after the lists were read has a lease by now.
  const { held, expired } = await findLeases(store, owner, now);
  const removed = held ? [] : due;
  await store.remove([...removed.map((id) => packKey(owner, id)), ...expired]);
  for (const id of removed) marked.delete(id);
  await writeMarks(store, owner, before, marked);
  const sizeOf = (ids: Iterable<string>) => [...ids].reduce((sum, id) => sum + (packs.get(id) ?? 0), 0);
  const removedBytes = sizeOf(removed);
  return {
    removed: removed.length,
    removed_bytes: removedBytes,
    marked: marked.size,
    owner_bytes: trees + sizeOf(packs.keys()) - removedBytes,
    withheld: held && due.length > 0 ? 'a snapshot is being taken' : null,
  };
}

/** Null: the tree was removed meanwhile. */
async function contentsOf(store: ObjectStore, key: string, size: number): Promise<Contents | null> {
  for (let length = Math.min(TAIL, size); ; length = size) {
    const tail = await store.get(key, { first: size - length, last: size - 1 });
    if (tail === null) return null;
    const contents = readContents(Buffer.from(tail));
    if (contents !== undefined) return contents;
    if (length === size) throw new Damaged('the list of a snapshot’s files is cut short');
  }
}

async function readMarks(store: ObjectStore, owner: string): Promise<z.infer<typeof marks>> {
  const stored = await store.get(sweepKey(owner));
  if (stored === null) return {};
  try {
    return marks.parse(JSON.parse(Buffer.from(stored).toString('utf8')));
  } catch {
    // Damaged marks count as none: every pack is marked again, and waits an hour.
    return {};
  }
}

async function writeMarks(
  store: ObjectStore,
  owner: string,
  before: z.infer<typeof marks>,
  marked: ReadonlyMap<string, number>,
): Promise<void> {
  const body = JSON.stringify(Object.fromEntries(marked));
  if (body === JSON.stringify(before)) return;
  if (marked.size === 0) await store.remove([sweepKey(owner)]);
  else await store.put(sweepKey(owner), Buffer.from(body));
}
