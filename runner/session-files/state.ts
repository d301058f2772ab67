import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { sessionFiles } from '../../protocol/api/files.ts';
import { instant, uuid } from '../../protocol/ids.ts';
import { snapshotReport, type SnapshotReport } from '../../protocol/link/runner-control.ts';
import { snapshotTrigger } from '../../protocol/api/workspace.ts';
import type { SessionFolders } from '../lib/session-folders.ts';

/** A snapshot that is to be taken, or tried again. */
export const owedSave = z.object({
  snapshot_id: uuid,
  trigger: snapshotTrigger,
  created_at: instant,
  /** The edge gave its id and waits for it. Otherwise a later one of the runner's own may take its place. */
  ordered: z.boolean(),
  /** Of a copy beside the workspace, because that has gone on since. */
  copied: z.boolean(),
  /** The edge was told that it is pending. */
  told: z.boolean(),
});
export type OwedSave = z.infer<typeof owedSave>;

/** What a runner knows of a session's files on its disk, and what it owes to the storage and to the edge. */
export const filesState = z.object({
  owner: sessionFiles.shape.owner,
  quota_bytes: sessionFiles.shape.quota_bytes,
  /** The `version` that is on the disk. */
  version: sessionFiles.shape.version,
  /** Both trees are there, whole. False: they are on their way, and nothing has ever run on them. */
  complete: z.boolean(),
  /** Something may have changed them since they were restored or saved. */
  dirty: z.boolean(),
  /** The snapshots that the trees came from or were saved as; while not `complete`, what they are to become. Null: nothing. */
  trees: z.object({ workspace: uuid.nullable(), conversation: uuid.nullable() }),
  /** What the next snapshot is told apart from. */
  base: uuid.nullable(),
  /** Of `git_repo`: `begun` has not been heard of since; `cloned` waits for its snapshot; after `done` the agent works on it. */
  clone: z.enum(['none', 'begun', 'cloned', 'done']),
  /** When the session was last launched, ended, written to or read. */
  touched_at: instant,
  saves: z.array(owedSave),
  /** Said, and not yet acknowledged. */
  reports: z.array(snapshotReport),
});
export type FilesState = z.infer<typeof filesState>;

/** A report of what never came to hold anything. */
export function blankReport(owed: OwedSave, version: number, storage: string): SnapshotReport {
  const { snapshot_id, trigger, created_at } = owed;
  const none = { files: 0, bytes: 0, new_bytes: 0, owner_bytes: null, skipped: [], detail: null };
  return { snapshot_id, trigger, state: 'failed', version, final: false, storage, created_at, ...none };
}

const stateFile = (folders: SessionFolders) => path.join(folders.root, 'files.json');

/** `undefined`: there is none. @throws when there is one that cannot be read: to guess would be to lose files */
export async function readFilesState(folders: SessionFolders): Promise<FilesState | undefined> {
  let text: string;
  try {
    text = await readFile(stateFile(folders), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
  return filesState.parse(JSON.parse(text));
}

/** Whole or not at all, and on the disk when it resolves. */
export async function writeFilesState(folders: SessionFolders, state: FilesState): Promise<void> {
  const file = stateFile(folders);
  const beside = `${file}.new`;
  // A crash may have left one.
  await rm(beside, { force: true });
  const handle = await open(beside, 'wx', 0o600);
  try {
    await handle.writeFile(JSON.stringify(state));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}
