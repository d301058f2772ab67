import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { epoch } from '../../protocol/ids.ts';
import type { SessionFolders } from '../lib/session-folders.ts';

/** What the runner keeps of the porter that has arrived: with it, a later runner process knows it again. */
const porterRecord = z.object({
  epoch,
  /** SHA-256 of its session key, hexadecimal. */
  key_hash: z.string(),
  /** The IP address that it came from. */
  address: z.string(),
});
export type PorterRecord = z.infer<typeof porterRecord>;

const recordFile = (folders: SessionFolders) => path.join(folders.root, 'porter.json');

/** The record of this epoch's porter; undefined: none has arrived. @throws when the file is damaged */
export async function readPorterRecord(folders: SessionFolders, epoch: number): Promise<PorterRecord | undefined> {
  let text: string;
  try {
    text = await readFile(recordFile(folders), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const record = porterRecord.parse(JSON.parse(text));
  return record.epoch === epoch ? record : undefined;
}

/** Resolves when the record is on the disk: whole, or the one before is. */
export async function writePorterRecord(folders: SessionFolders, record: PorterRecord): Promise<void> {
  const file = recordFile(folders);
  await mkdir(folders.root, { recursive: true, mode: 0o700 });
  await rm(`${file}.new`, { force: true });
  const handle = await open(`${file}.new`, 'wx', 0o600);
  try {
    await handle.writeFile(JSON.stringify(record));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

export function hashOfKey(sessionKey: string): string {
  return createHash('sha256').update(sessionKey).digest('hex');
}

/** Whether this is the key of the porter that has arrived. */
export function isKeyOf({ key_hash }: PorterRecord, sessionKey: string): boolean {
  return timingSafeEqual(Buffer.from(key_hash), Buffer.from(hashOfKey(sessionKey)));
}

export async function removePorterRecord(folders: SessionFolders): Promise<void> {
  await rm(recordFile(folders), { force: true });
}
