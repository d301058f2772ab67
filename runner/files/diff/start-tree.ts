import { Damaged, type TreeEntry } from '../paths/tree-entry.ts';
import { StorageUnavailable } from '../../storage/object-store.ts';
import { FilesRefused } from '../paths/refused.ts';

/** The files that a workspace began with, read from the storage. */
export interface StartTree {
  readonly snapshot_id: string;
  /** In any order. It may have an entry for the workspace itself (an empty path). */
  entries(): AsyncIterable<TreeEntry>;
  /** A file's bytes, verified. */
  content(entry: TreeEntry): AsyncIterable<Uint8Array>;
}

/** Passes items from the storage through, and turns the storage's errors into refusals. */
export async function* fromStorage<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    if (error instanceof StorageUnavailable)
      throw new FilesRefused('storage_unavailable', `The start cannot be read: ${error.message}.`, { cause: error });
    if (error instanceof Damaged)
      throw new FilesRefused('files_unavailable', `The start cannot be read: ${error.message}.`, { cause: error });
    throw error;
  }
}
