import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { sessionFiles } from '../../protocol/api/files/files.ts';
import { instant, uuid } from '../../protocol/ids.ts';
import { snapshotReport, type SnapshotReport } from '../../protocol/link/runner-control.ts';
import { snapshotTrigger } from '../../protocol/api/files/workspace.ts';
import type { SessionFolders } from '../lib/session-folders.ts';

/** A snapshot that is to be taken, or tried again. */
const queuedSnapshot = z.object({
  snapshot_id: uuid,
  trigger: snapshotTrigger,
  created_at: instant,
  /** The edge gave its id and waits for it. If not, a later snapshot of the runner's own may replace it. */
  ordered: z.boolean(),
  /** It is taken of a copy, because the workspace has changed since. */
  copied: z.boolean(),
  /** The edge was notified that it is pending. */
  told: z.boolean(),
});
export type QueuedSnapshot = z.infer<typeof queuedSnapshot>;

/** A runner's record of a session's files on its disk, with the snapshots and reports that are still to be sent. */
const filesState = z.object({
  owner: sessionFiles.shape.owner,
  quota_bytes: sessionFiles.shape.quota_bytes,
  /** The `version` of the files on the disk. */
  version: sessionFiles.shape.version,
  /** Both trees are here and whole. False: they are being made, and nothing has run on them. */
  complete: z.boolean(),
  /** The trees may have changed since they were restored or saved. */
  dirty: z.boolean(),
  /** The snapshots that the trees came from or were saved as. If not `complete`, those that they are made from. Null: none. */
  trees: z.object({ workspace: uuid.nullable(), conversation: uuid.nullable() }),
  /** The snapshot that the next one is compared with. */
  base: uuid.nullable(),
  /** The clone of `git_repo`. `begun`: it may be cut short; `cloned`: it waits for its snapshot; `done`: the agent works on it. */
  clone: z.enum(['none', 'begun', 'cloned', 'done']),
  /** When the session was last launched, ended, written to or read. */
  touched_at: instant,
  /** The queue of snapshots. */
  saves: z.array(queuedSnapshot),
  /** Sent, and not yet acknowledged. */
  reports: z.array(snapshotReport),
});
export type FilesState = z.infer<typeof filesState>;

/** The report of a failed snapshot, which holds nothing. Other reports are made from it. */
export function blankReport(queued: QueuedSnapshot, version: number, storage: string): SnapshotReport {
  const { snapshot_id, trigger, created_at } = queued;
  const none = { files: 0, bytes: 0, new_bytes: 0, owner_bytes: null, skipped: [], detail: null };
  return { snapshot_id, trigger, state: 'failed', version, final: false, storage, created_at, ...none };
}

const stateFile = (folders: SessionFolders) => path.join(folders.root, 'files.json');

/** `undefined`: there is none. @throws when there is one that cannot be read, because a guess could lose files */
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

/** Writes the record whole or not at all. Resolves when it is on the disk. */
export async function writeFilesState(folders: SessionFolders, state: FilesState): Promise<void> {
  const file = stateFile(folders);
  const temporary = `${file}.new`;
  // A crash may have left this file.
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(JSON.stringify(state));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
