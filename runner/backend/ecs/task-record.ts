import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { epoch } from '../../../protocol/ids.ts';
import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { Log } from '../../lib/log.ts';
import { sessionFolders, type SessionFolders } from '../../lib/session-folders.ts';

/**
 * Which task a session has, or is asked for: written before each request, so that the next process of the runner repeats the
 * same one, and gets the same task.
 */
const taskRecord = z.object({
  epoch,
  /** How often there was no room for it. */
  attempt: z.int().min(0),
  /** null: it was asked for, and the answer is not known. */
  arn: z.string().nullable(),
});
export type TaskRecord = z.infer<typeof taskRecord>;

const fileOf = (folders: SessionFolders): string => path.join(folders.root, 'task.json');

export async function writeTaskRecord(folders: SessionFolders, record: TaskRecord): Promise<void> {
  const file = fileOf(folders);
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** @returns undefined: there is none */
export async function readTaskRecord(folders: SessionFolders): Promise<TaskRecord | undefined> {
  try {
    return taskRecord.parse(JSON.parse(await readFile(fileOf(folders), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The tasks that this runner has written down, by their ARNs. @param sessions the folder that has a folder for each session */
export async function readTaskRecords(sessions: string, log: Log): Promise<Map<string, PlacementKey>> {
  const recorded = new Map<string, PlacementKey>();
  for (const session_id of await readdir(sessions)) {
    try {
      const record = await readTaskRecord(sessionFolders(sessions, session_id));
      if (typeof record?.arn === 'string') recorded.set(record.arn, { session_id, epoch: record.epoch });
    } catch (error) {
      log.error('task record not read', { session: session_id, error });
    }
  }
  return recorded;
}

export async function removeTaskRecord(folders: SessionFolders): Promise<void> {
  await rm(fileOf(folders), { force: true });
}
