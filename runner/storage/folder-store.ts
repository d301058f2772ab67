import { randomUUID } from 'node:crypto';
import { mkdir, open, opendir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { BackendHealth } from '../../protocol/link/runner-control.ts';
import { messageOf } from '../lib/log.ts';
import { STORAGE_ID_KEY, StorageUnavailable, type ObjectStore, type StoredObject } from './object-store.ts';
import type { StorageOrigin } from './storage-settings.ts';
import { parseStorageId, storageIdBody } from './storage-id.ts';

/** Folder of incomplete objects, so that no list shows them. */
const TEMPORARY = 'tmp';
/** After this long, nobody is still writing an incomplete object, milliseconds. */
const ABANDONED_MS = 86_400_000;
/** With less free space than this, `health` is not ok; bytes. */
const LITTLE_ROOM = 1024 * 1024 * 1024;

/** A storage in a folder of this machine, which may be a mounted one. */
export class FolderStore implements ObjectStore {
  readonly kind = 'folder';
  readonly origin: StorageOrigin;
  readonly #root: string;
  #id = '';

  constructor(folder: string) {
    this.#root = folder;
    this.origin = { kind: 'folder', folder };
  }

  get id(): string {
    return this.#id;
  }

  /** Makes the folder if necessary, and reads the storage's id. @throws StorageUnavailable */
  async open(): Promise<void> {
    await this.#io(() => this.#openTemporary());
    const found = (await this.get(STORAGE_ID_KEY)) ?? (await this.#makeId());
    this.#id = parseStorageId(found, this.#at(STORAGE_ID_KEY));
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    const target = this.#at(key);
    const incomplete = path.join(this.#root, TEMPORARY, randomUUID());
    await this.#io(async () => {
      try {
        await writeDurably(incomplete, body);
        await rename(incomplete, target).catch(async (error: unknown) => {
          if (!hasCode(error, 'ENOENT')) throw error;
          await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
          await rename(incomplete, target);
        });
        await syncFolder(path.dirname(target));
      } catch (error) {
        await rm(incomplete, { force: true });
        throw error;
      }
    });
  }

  async get(key: string, range?: { first: number; last: number }): Promise<Uint8Array | null> {
    return await this.#io(async () => {
      if (range === undefined) return await readFile(this.#at(key)).catch(absent);
      const file = await open(this.#at(key), 'r').catch(absent);
      if (file === null) return null;
      try {
        const body = Buffer.allocUnsafe(range.last - range.first + 1);
        let filled = 0;
        while (filled < body.length) {
          const { bytesRead } = await file.read(body, filled, body.length - filled, range.first + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return body.subarray(0, filled);
      } finally {
        await file.close();
      }
    });
  }

  async has(key: string): Promise<boolean> {
    return await this.#io(async () => (await stat(this.#at(key)).catch(absent)) !== null);
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = await this.#io(() => opendir(this.#at(prefix)).catch(absent));
    if (folder === null) return;
    for await (const entry of folder) {
      const key = prefix + entry.name;
      if (entry.isDirectory()) {
        if (key !== TEMPORARY) yield* this.list(`${key}/`);
        continue;
      }
      const found = await this.#io(() => stat(this.#at(key)).catch(absent));
      if (found !== null) yield { key, size: found.size, modified: found.mtimeMs };
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    await this.#io(async () => {
      for (const key of keys) await rm(this.#at(key), { force: true });
    });
  }

  async health(): Promise<BackendHealth> {
    try {
      if (this.#id === '') await this.open();
      if (!(await this.has(STORAGE_ID_KEY)))
        return { ok: false, detail: `${this.#at(STORAGE_ID_KEY)} is gone: is the disk of the storage mounted?` };
      const { bavail, bsize } = await this.#io(() => statfs(this.#root));
      const room = bavail * bsize;
      const left = `${Math.floor(room / 1e6)} MB are free in ${this.#root}`;
      return room > LITTLE_ROOM
        ? { ok: true, detail: left }
        : { ok: false, detail: `${left}: make room, or snapshots will soon fail` };
    } catch (error) {
      return { ok: false, detail: messageOf(error) };
    }
  }

  close(): void {
    // Nothing is held open.
  }

  /** Several runners may do this at once. Exclusive creation lets one of them win; all then read the winner's id. */
  async #makeId(): Promise<Uint8Array> {
    await this.#io(async () => {
      const file = await open(this.#at(STORAGE_ID_KEY), 'wx', 0o600).catch((error: unknown) => {
        if (hasCode(error, 'EEXIST')) return null;
        throw error;
      });
      if (file === null) return;
      await file.writeFile(storageIdBody());
      await file.sync();
      await file.close();
    });
    const body = await this.get(STORAGE_ID_KEY);
    if (body === null) throw new StorageUnavailable(`${this.#at(STORAGE_ID_KEY)} went as soon as it was made`);
    return body;
  }

  /** Removes incomplete objects that runners left when they ended during a write. */
  async #openTemporary(): Promise<void> {
    const folder = path.join(this.#root, TEMPORARY);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for await (const { name } of await opendir(folder)) {
      const found = await stat(path.join(folder, name)).catch(absent);
      if (found !== null && Date.now() - found.mtimeMs > ABANDONED_MS)
        await rm(path.join(folder, name), { force: true });
    }
  }

  #at(key: string): string {
    const file = path.join(this.#root, key);
    if (file !== this.#root && !file.startsWith(this.#root + path.sep)) throw new Error(`No key: ${key}`);
    return file;
  }

  /** Disk errors are worth a retry: someone may make room, or mount the disk again. */
  async #io<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error;
      const advice = hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT') ? ': it is full, make room' : '';
      throw new StorageUnavailable(`The storage folder ${this.#root} cannot be used${advice} (${messageOf(error)})`, {
        cause: error,
      });
    }
  }
}

async function writeDurably(file: string, body: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(body);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Makes a new name in this folder durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function absent(error: unknown): null {
  if (hasCode(error, 'ENOENT')) return null;
  throw error;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
