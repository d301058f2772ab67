import { treeKind, type TreeKind } from '../../../protocol/link/runner-control.ts';
import type { SkippedFile } from '../../../protocol/api/workspace.ts';
import { messageOf } from '../../lib/log.ts';
import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import type { BlockWriter } from '../format/block-writer.ts';
import { CONVERSATION_KEPT } from './conversation-rule.ts';
import { GivenUp } from './given-up.ts';
import { withLease } from './lease.ts';
import { readManifest } from '../format/manifest.ts';
import { saveTree, type Base, type SavedTree } from './save-tree.ts';
import { SkippedFiles } from './skipped-files.ts';
import { readStatCache, writeStatCache } from '../format/stat-cache.ts';
import { treeKey } from '../format/storage-keys.ts';
import { recoverTree } from '../restore/swap-tree.ts';
import { Damaged } from '../../files/paths/tree-entry.ts';
import { ownerUsage } from './usage.ts';

export interface SaveInput {
  /** 64 hex digits: whose part of the storage. */
  owner: string;
  snapshot_id: string;
  /** Folders, absolute. */
  workspace: string;
  conversation: string;
  /** The snapshot that these files were before, where `cache` does not know it; null: none. */
  base: string | null;
  /** Folder for what this runner remembers of these files; the session's own, out of the agent's reach. */
  cache: string;
  quota_bytes: number | null;
  /** Nothing runs that could change the files: what cannot be told from the outside to be unchanged is read again. Default: false. */
  final?: boolean | undefined;
}

export type SavedSnapshot =
  | {
      ok: true;
      /** Files, folders and links. */
      files: number;
      /** What they hold, bytes. */
      bytes: number;
      /** What storing them added to the storage, bytes. */
      new_bytes: number;
      /** What the owner's part of the storage takes now, bytes; null: not measured. */
      owner_bytes: number | null;
      skipped: SkippedFile[];
    }
  | { ok: false; why: 'storage_unavailable' | 'quota_exceeded' | 'failed'; detail: string };

class QuotaExceeded extends Error {}

/**
 * Saves a session's files. Nothing that was stored before is touched; each tree's list is put after all that it names, so the
 * snapshot is there whole or not at all.
 *
 * @param proceed throws `GivenUp` when it is to be given up
 */
export async function saveSnapshot(store: ObjectStore, input: SaveInput, proceed: () => void): Promise<SavedSnapshot> {
  try {
    for (const tree of treeKind.options) recoverTree(input[tree]);
    return await withLease(store, input.owner, input.snapshot_id, (check) => save(store, input, proceed, check));
  } catch (error) {
    if (error instanceof StorageUnavailable) return { ok: false, why: 'storage_unavailable', detail: messageOf(error) };
    if (error instanceof QuotaExceeded) return { ok: false, why: 'quota_exceeded', detail: messageOf(error) };
    if (error instanceof GivenUp) return { ok: false, why: 'failed', detail: 'The snapshot was given up' };
    if (error instanceof Error && 'syscall' in error)
      return { ok: false, why: 'failed', detail: `The files cannot be read: ${messageOf(error)}` };
    throw error;
  }
}

async function save(
  store: ObjectStore,
  input: SaveInput,
  proceed: () => void,
  checkLease: () => void,
): Promise<SavedSnapshot> {
  const { owner, snapshot_id, cache, quota_bytes, final = false } = input;
  const skipped = new SkippedFiles();
  const writers: BlockWriter[] = [];
  const before = await ownerUsage(store, owner);
  let added = 0;
  const budget = (bytes: number): void => {
    if (quota_bytes !== null && before + added + bytes > quota_bytes)
      throw new QuotaExceeded(quotaMessage(before, added + bytes, quota_bytes));
    added += bytes;
  };
  const saved: { tree: TreeKind; result: SavedTree }[] = [];
  try {
    for (const tree of treeKind.options) {
      const result = await saveTree({
        store,
        owner,
        root: input[tree],
        base: await findBase(store, input, tree),
        only: tree === 'conversation' ? CONVERSATION_KEPT : undefined,
        final,
        budget,
        proceed,
        skip: (path, why) => skipped.add(tree, path, why),
        onWriter: (writer) => writers.push(writer),
      });
      budget(result.manifest.length);
      saved.push({ tree, result });
    }
    proceed();
    checkLease();
  } catch (error) {
    await discard(store, writers);
    throw error;
  }
  // From here on what was put stays: a list may be there although putting it failed.
  for (const { tree, result } of saved) await store.put(treeKey(owner, { snapshot_id, tree }), result.manifest);
  for (const { tree, result } of saved) {
    const { manifest, stats } = result;
    writeStatCache(cache, tree, { store: store.id, owner, snapshot: snapshot_id, manifest, stats });
  }
  const sum = (of: (tree: SavedTree) => number) => saved.reduce((total, { result }) => total + of(result), 0);
  return {
    ok: true,
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    new_bytes: added,
    owner_bytes: before + added,
    skipped: skipped.list,
  };
}

/** What the tree is stored against: what this runner saw last, if the storage has it still; else the snapshot that is named. */
async function findBase(store: ObjectStore, { owner, cache, base }: SaveInput, tree: TreeKind): Promise<Base | null> {
  const seen = readStatCache(cache, tree);
  if (seen !== null && seen.store === store.id && seen.owner === owner) {
    // Packs stay for as long as a list names them, and a lease is held: they do until this is done.
    if (await store.has(treeKey(owner, { snapshot_id: seen.snapshot, tree })))
      return { manifest: readManifest(seen.manifest), stats: seen.stats };
  }
  if (base === null) return null;
  const stored = await store.get(treeKey(owner, { snapshot_id: base, tree }));
  if (stored === null) return null;
  try {
    return { manifest: readManifest(stored), stats: null };
  } catch (error) {
    // Then all is stored anew, and the new snapshot is whole.
    if (error instanceof Damaged) return null;
    throw error;
  }
}

/** Removes what nothing will ever refer to. */
export async function discard(store: ObjectStore, writers: readonly BlockWriter[]): Promise<void> {
  for (const writer of writers) await writer.settled();
  const keys = writers.flatMap(({ made }) => made);
  await store.remove(keys).catch((error: unknown) => {
    // A sweep finds them.
    if (!(error instanceof StorageUnavailable)) throw error;
  });
}

function quotaMessage(before: number, added: number, quota: number): string {
  return `The storage quota of ${mb(quota)} does not suffice: ${mb(before)} are taken, and this snapshot adds at least ${mb(added)}. Delete sessions, workspaces or snapshots that are not needed, or ask the operator for more`;
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
