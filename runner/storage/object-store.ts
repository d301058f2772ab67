import type { BackendHealth } from '../../protocol/link/runner-control.ts';
import type { StorageOrigin } from './storage-settings.ts';

export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** When it was put, by the storage's clock; milliseconds since 1970. */
  modified: number;
}

/**
 * Where snapshots are kept: whole objects under keys of `/`-separated names. Every method throws `StorageUnavailable` where
 * another try may help.
 */
export interface ObjectStore {
  /** Which storage this is, whoever looks at it and by whatever name; `''` until it has been reached for the first time. */
  readonly id: string;
  readonly kind: 'folder' | 's3';
  /** From which another thread opens the same storage. */
  readonly origin: StorageOrigin;
  /** Puts an object there whole, or not at all; it is durable once this resolves. One that is there is replaced. */
  put(key: string, body: Uint8Array): Promise<void>;
  /** The object, or the bytes `first` to `last` of it (as far as it has them); null: it is not there. */
  get(key: string, range?: { first: number; last: number }): Promise<Uint8Array | null>;
  has(key: string): Promise<boolean>;
  /** Every object whose key begins with `prefix`, which ends in `/`. In no order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** What is not there is no error. */
  remove(keys: readonly string[]): Promise<void>;
  /** Asks the storage. Does not throw. */
  health(): Promise<BackendHealth>;
  close(): void;
}

/** The storage cannot be reached, or refuses: worth another try. The message is for the operator, and says what to do. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable';
}

/** Holds the storage's id; made once, by whoever comes first. */
export const STORAGE_ID_KEY = 'storage.json';
