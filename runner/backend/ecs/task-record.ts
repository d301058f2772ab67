import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { epoch } from '../../../protocol/ids.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';

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

export async function removeTaskRecord(folders: SessionFolders): Promise<void> {
  await rm(fileOf(folders), { force: true });
}
