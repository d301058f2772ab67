import { randomUUID } from 'node:crypto';
import * as z from 'zod';

const storageId = z.object({ id: z.uuid() });

/** What the object that names a storage holds, for a new one. */
export function storageIdBody(): Uint8Array {
  return Buffer.from(`${JSON.stringify({ id: randomUUID() })}\n`);
}

/** @throws when it is none; `where` is told then. */
export function parseStorageId(body: Uint8Array, where: string): string {
  try {
    return storageId.parse(JSON.parse(Buffer.from(body).toString('utf8'))).id;
  } catch {
    throw new Error(`${where} is damaged: put back what it held, or remove it and all snapshots with it`);
  }
}
