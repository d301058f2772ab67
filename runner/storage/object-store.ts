import type { BackendHealth } from '../../protocol/link/runner-control.ts';
import type { StorageOrigin } from './storage-settings.ts';

export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** When it was put, by the storage's clock, milliseconds since 1970. */
  modified: number;
}

/**
 * The storage of snapshots: whole objects under keys of `/`-separated names. Every method throws `StorageUnavailable` if a
 * retry may help.
 */
export interface ObjectStore {
  /** Identifies this storage, from whichever machine and by whichever address it is reached; `''` before the first contact. */
  readonly id: string;
  readonly kind: 'folder' | 's3';
  /** With this, another thread opens the same storage. */
  readonly origin: StorageOrigin;
  /** Puts a whole object, or nothing. It replaces an existing one. Once this resolves, the object is durable. */
  put(key: string, body: Uint8Array): Promise<void>;
  /** The object, or its bytes `first` to `last` (fewer if it is shorter); null: it does not exist. */
  get(key: string, range?: { first: number; last: number }): Promise<Uint8Array | null>;
  has(key: string): Promise<boolean>;
  /** Every object whose key begins with `prefix`, which must end in `/`. In no order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** A missing object is no error. */
  remove(keys: readonly string[]): Promise<void>;
  /** Contacts the storage. Does not throw. */
  health(): Promise<BackendHealth>;
  close(): void;
}

/** The storage cannot be reached, or refuses; a retry may help. The message tells the operator what to do. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable';
}

/** Key of the object that holds the storage's id. The first runner makes it, once. */
export const STORAGE_ID_KEY = 'storage.json';
