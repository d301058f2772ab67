import * as z from 'zod';
import type { ObjectStore } from '../storage/object-store.ts';
import { findLeases } from './save/lease.ts';
import { readContents, type Contents } from './format/manifest.ts';
import { packKey, packsPrefix, sweepKey, treesPrefix } from './format/storage-keys.ts';
import { Damaged } from '../files/paths/tree-entry.ts';

/** From a pack's being found unreferenced until it may go, milliseconds. */
const SWEEP_GRACE = 60 * 60 * 1000;
/** What is read of a list first: most have their contents in there. */
const TAIL = 64 * 1024;

/** Packs that the last sweep found unreferenced, and when it did for the first time. */
const marks = z.record(z.string(), z.int());

export interface SweepResult {
  /** Packs that nothing refers to: removed now, and marked for later. */
  removed: number;
  removed_bytes: number;
  marked: number;
  /** What the owner's part takes now, bytes. */
  owner_bytes: number;
  /** Why nothing may be removed now; null: it may. */
  withheld: string | null;
}

/**
 * Removes the packs of an owner that no tree refers to, once two sweeps have found so an hour apart. With a list that cannot be read
 * nothing goes: it may refer to anything.
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
  // Last of all: a snapshot that began after the lists were read shows here.
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

/** Null: it was dropped meanwhile. */
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
    // As good as none: all is marked anew, and waits for its hour.
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
