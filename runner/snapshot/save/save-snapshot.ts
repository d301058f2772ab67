import { treeKind, type TreeKind } from '../../../protocol/link/runner-control.ts';
import { CLONE_FOLDER } from '../../../protocol/git/clone-folder.ts';
import type { SkippedFile } from '../../../protocol/api/files/workspace.ts';
import { messageOf } from '../../lib/log.ts';
import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import type { BlockWriter } from '../format/block-writer.ts';
import { CONVERSATION_KEPT } from './conversation-rule.ts';
import { Aborted } from './aborted.ts';
import { withLease } from './lease.ts';
import { readManifest } from '../format/manifest.ts';
import { saveTree, type Base, type SavedTree } from './save-tree.ts';
import { SkippedFiles } from './skipped-files.ts';
import { readStatCache, writeStatCache } from '../format/stat-cache.ts';
import { treeKey } from '../format/storage-keys.ts';
import { recoverTree } from '../restore/swap-tree.ts';
import { Damaged } from '../../files/paths/tree-entry.ts';
import { ownerUsage } from './usage.ts';

/** A repository that is not whole yet is cloned anew by the next container: half of one helps nobody. */
const UNFINISHED = new Map([[CLONE_FOLDER, 'is of a clone that is not done']]);

export interface SaveInput {
  /** The owner, 64 hex digits. Selects the part of the storage. */
  owner: string;
  snapshot_id: string;
  /** The two folders, absolute. */
  workspace: string;
  conversation: string;
  /** The snapshot from which these files come, used if `cache` does not say it; null: none. */
  base: string | null;
  /** Folder for the stat cache of these files. It belongs to the session, and the agent has no access. */
  cache: string;
  quota_bytes: number | null;
  /**
   * Nothing runs any more that could change the files, so the snapshot must be exact: a file whose status does not prove that
   * it is unchanged is read again. Default: false.
   */
  final?: boolean | undefined;
  /** A pack is put once it has this many bytes; absent: `PACK`. */
  pack_bytes?: number | undefined;
}

export type SavedSnapshot =
  | {
      ok: true;
      /** Files, folders and links. */
      files: number;
      /** Total size of the files, bytes. */
      bytes: number;
      /** Bytes that this snapshot added to the storage. */
      new_bytes: number;
      /** The size of the owner's part of the storage now, bytes; null: not measured. */
      owner_bytes: number | null;
      skipped: SkippedFile[];
    }
  | { ok: false; why: 'storage_unavailable' | 'quota_exceeded' | 'failed'; detail: string };

class QuotaExceeded extends Error {}

/**
 * Saves a session's files. It changes nothing that was stored before. Each tree's manifest is put after all its packs, so a
 * tree is stored completely or not at all.
 *
 * @param checkAborted throws `Aborted` if the job was aborted
 */
export async function saveSnapshot(
  store: ObjectStore,
  input: SaveInput,
  checkAborted: () => void,
): Promise<SavedSnapshot> {
  try {
    for (const tree of treeKind.options) recoverTree(input[tree]);
    return await withLease(store, input.owner, input.snapshot_id, (checkLease) =>
      save(store, input, checkAborted, checkLease),
    );
  } catch (error) {
    if (error instanceof StorageUnavailable) return { ok: false, why: 'storage_unavailable', detail: messageOf(error) };
    if (error instanceof QuotaExceeded) return { ok: false, why: 'quota_exceeded', detail: messageOf(error) };
    if (error instanceof Aborted) return { ok: false, why: 'failed', detail: 'The snapshot was given up' };
    // The runner's own disk: it can be tried again when there is room.
    if (isDiskFull(error))
      return { ok: false, why: 'storage_unavailable', detail: `The runner's disk is full (${messageOf(error)})` };
    if (error instanceof Error && 'syscall' in error)
      return { ok: false, why: 'failed', detail: `The files cannot be read: ${messageOf(error)}` };
    throw error;
  }
}

async function save(
  store: ObjectStore,
  input: SaveInput,
  checkAborted: () => void,
  checkLease: () => void,
): Promise<SavedSnapshot> {
  const { owner, snapshot_id, cache, quota_bytes, final = false, pack_bytes } = input;
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
        except: tree === 'workspace' ? UNFINISHED : undefined,
        final,
        budget,
        pack_bytes,
        checkAborted,
        skip: (path, why) => skipped.add(tree, path, why),
        onWriter: (writer) => writers.push(writer),
      });
      budget(result.manifest.length);
      saved.push({ tree, result });
    }
    checkAborted();
    checkLease();
  } catch (error) {
    await discard(store, writers);
    throw error;
  }
  // From here on, packs must stay: a manifest may be in the storage although its put failed.
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

/** The base of the new tree: the one in the stat cache if the storage still has it, else the given snapshot. */
async function findBase(store: ObjectStore, { owner, cache, base }: SaveInput, tree: TreeKind): Promise<Base | null> {
  const cached = readStatCache(cache, tree);
  if (cached !== null && cached.store === store.id && cached.owner === owner) {
    // A pack stays while a manifest names it or a lease is held. So these packs stay until this snapshot is done.
    if (await store.has(treeKey(owner, { snapshot_id: cached.snapshot, tree })))
      return { manifest: readManifest(cached.manifest), stats: cached.stats };
  }
  if (base === null) return null;
  const stored = await store.get(treeKey(owner, { snapshot_id: base, tree }));
  if (stored === null) return null;
  try {
    return { manifest: readManifest(stored), stats: null };
  } catch (error) {
    // Without a base everything is stored again, and the new snapshot is complete.
    if (error instanceof Damaged) return null;
    throw error;
  }
}

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

/** Removes the packs of a failed save. No manifest refers to them. */
export async function discard(store: ObjectStore, writers: readonly BlockWriter[]): Promise<void> {
  for (const writer of writers) await writer.settled();
  const keys = writers.flatMap(({ putKeys }) => putKeys);
  await store.remove(keys).catch((error: unknown) => {
    // A later sweep removes them.
    if (!(error instanceof StorageUnavailable)) throw error;
  });
}

function quotaMessage(before: number, added: number, quota: number): string {
  return `The storage quota of ${mb(quota)} does not suffice: ${mb(before)} are taken, and this snapshot adds at least ${mb(added)}. Delete sessions, workspaces or snapshots that are not needed, or ask the operator for more`;
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
