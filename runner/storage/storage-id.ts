import { randomUUID } from 'node:crypto';
import * as z from 'zod';

const storageId = z.object({ id: z.uuid() });

/** The content of the id object, for a new storage. */
export function storageIdBody(): Uint8Array {
  return Buffer.from(`${JSON.stringify({ id: randomUUID() })}\n`);
}

/** Reads the id. @throws Error if the body is damaged; `where` is in its message */
export function parseStorageId(body: Uint8Array, where: string): string {
  try {
    return storageId.parse(JSON.parse(Buffer.from(body).toString('utf8'))).id;
  } catch {
    throw new Error(`${where} is damaged: put back what it held, or remove it and all snapshots with it`);
  }
}
