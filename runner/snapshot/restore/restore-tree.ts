import type { TreeKind } from '../../../protocol/link/runner-control.ts';
import type { Owner } from '../../lib/session-folders.ts';
import { messageOf } from '../../lib/log.ts';
import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import { BlockReader } from '../format/block-reader.ts';
import { Aborted } from '../save/aborted.ts';
import { CLOCK_TICK_MS } from '../format/limits.ts';
import { readManifest } from '../format/manifest.ts';
import { writeStatCache } from '../format/stat-cache.ts';
import { treeKey } from '../format/storage-keys.ts';
import { recoverTree, removeTree, restoringPath, swapTree } from './swap-tree.ts';
import { Damaged } from '../../files/paths/tree-entry.ts';
import { unpackTree } from './unpack-tree.ts';

export interface RestoreInput {
  owner: string;
  snapshot_id: string;
  tree: TreeKind;
  /** The folder to replace, absolute. Only the runner has access to its parent folder. */
  into: string;
  /** As in `SaveInput`. The next snapshot of these files finds them there. */
  cache: string;
  /** The owner of the restored files; undefined: the runner's own user. */
  as?: Owner | undefined;
}

export type RestoredTree =
  | { ok: true; files: number; bytes: number }
  | { ok: false; why: 'snapshot_missing' | 'storage_unavailable' | 'damaged' | 'failed'; detail: string };

/**
 * Restores one tree of a snapshot next to the current files, verifies every byte, and then replaces the current files.
 *
 * @param checkAborted throws `Aborted` if the job was aborted
 */
export async function restoreTree(
  store: ObjectStore,
  input: RestoreInput,
  checkAborted: () => void,
): Promise<RestoredTree> {
  const { owner, snapshot_id, tree, into, cache } = input;
  const temporary = restoringPath(into);
  try {
    recoverTree(into);
    const stored = await store.get(treeKey(owner, input));
    if (stored === null)
      return { ok: false, why: 'snapshot_missing', detail: `The snapshot ${snapshot_id} is not in the storage` };
    const manifest = readManifest(stored);
    removeTree(temporary);
    try {
      const blocks = new BlockReader(store, owner, manifest.contents);
      const stats = await unpackTree({ manifest, blocks, root: temporary, as: input.as, checkAborted });
      swapTree(temporary, into);
      // A later change shows in a file's times only after the clock's next tick.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CLOCK_TICK_MS);
      writeStatCache(cache, tree, {
        store: store.id,
        owner,
        snapshot: snapshot_id,
        manifest: Buffer.from(stored),
        stats,
      });
    } finally {
      removeTree(temporary);
    }
    const { files, bytes } = manifest.contents;
    return { ok: true, files, bytes };
  } catch (error) {
    const detail = messageOf(error);
    if (error instanceof StorageUnavailable) return { ok: false, why: 'storage_unavailable', detail };
    if (error instanceof Damaged)
      return { ok: false, why: 'damaged', detail: `The snapshot ${snapshot_id} cannot be restored: ${detail}` };
    if (error instanceof Aborted) return { ok: false, why: 'failed', detail: 'The restore was given up' };
    if (error instanceof Error && 'syscall' in error)
      return { ok: false, why: 'failed', detail: `The files cannot be written: ${detail}` };
    throw error;
  }
}
