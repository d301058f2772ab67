import type { TreeKind } from '../../../protocol/link/runner-control.ts';
import type { Owner } from '../../backend/backend.ts';
import { messageOf } from '../../lib/log.ts';
import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import { BlockReader } from '../format/block-reader.ts';
import { GivenUp } from '../save/given-up.ts';
import { CLOCK_TICK_MS } from '../format/limits.ts';
import { readManifest } from '../format/manifest.ts';
import { writeStatCache } from '../format/stat-cache.ts';
import { treeKey } from '../format/storage-keys.ts';
import { recoverTree, removeTree, restoringTo, swapTree } from './swap-tree.ts';
import { Damaged } from '../../files/paths/tree-entry.ts';
import { unpackTree } from './unpack-tree.ts';

export interface RestoreInput {
  owner: string;
  snapshot_id: string;
  tree: TreeKind;
  /** Folder, absolute, in one that is the runner's alone; replaced whole. */
  into: string;
  /** As of `SaveInput`: the next snapshot of these files knows them from there. */
  cache: string;
  /** Whose the files become; undefined: the runner's own. */
  as?: Owner | undefined;
}

export type RestoredTree =
  | { ok: true; files: number; bytes: number }
  | { ok: false; why: 'snapshot_missing' | 'storage_unavailable' | 'damaged' | 'failed'; detail: string };

/**
 * Restores one tree of a snapshot beside what is there, verifies every byte of it, and only then puts it in place.
 *
 * @param proceed throws `GivenUp` when it is to be given up
 */
export async function restoreTree(store: ObjectStore, input: RestoreInput, proceed: () => void): Promise<RestoredTree> {
  const { owner, snapshot_id, tree, into, cache } = input;
  const beside = restoringTo(into);
  try {
    recoverTree(into);
    const stored = await store.get(treeKey(owner, input));
    if (stored === null)
      return { ok: false, why: 'snapshot_missing', detail: `The snapshot ${snapshot_id} is not in the storage` };
    const manifest = readManifest(stored);
    removeTree(beside);
    try {
      const blocks = new BlockReader(store, owner, manifest.contents);
      const stats = await unpackTree({ manifest, blocks, root: beside, as: input.as, proceed });
      swapTree(beside, into);
      // The next change to a file shows only once the clock for its times has ticked.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CLOCK_TICK_MS);
      writeStatCache(cache, tree, {
        store: store.id,
        owner,
        snapshot: snapshot_id,
        manifest: Buffer.from(stored),
        stats,
      });
    } finally {
      removeTree(beside);
    }
    const { files, bytes } = manifest.contents;
    return { ok: true, files, bytes };
  } catch (error) {
    const detail = messageOf(error);
    if (error instanceof StorageUnavailable) return { ok: false, why: 'storage_unavailable', detail };
    if (error instanceof Damaged)
      return { ok: false, why: 'damaged', detail: `The snapshot ${snapshot_id} cannot be restored: ${detail}` };
    if (error instanceof GivenUp) return { ok: false, why: 'failed', detail: 'The restore was given up' };
    if (error instanceof Error && 'syscall' in error)
      return { ok: false, why: 'failed', detail: `The files cannot be written: ${detail}` };
    throw error;
  }
}
