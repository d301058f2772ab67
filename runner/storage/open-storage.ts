import path from 'node:path';
import { messageOf, type Log } from '../lib/log.ts';
import { FolderStore } from './folder-store.ts';
import { StorageUnavailable, type ObjectStore } from './object-store.ts';
import type { StorageOrigin, StorageSettings } from './storage-settings.ts';

/**
 * Opens the storage. One that cannot be reached now is opened all the same: its `health` says so, and learns its id once it
 * answers.
 *
 * @param dataFolder the runner's; holds the storage that no setting names
 */
export async function openStorage(settings: StorageSettings, dataFolder: string, log: Log): Promise<ObjectStore> {
  const origin: StorageOrigin =
    settings.kind === 's3' ? settings : { kind: 'folder', folder: settings.folder ?? path.join(dataFolder, 'storage') };
  const { store, reached } = await reopenStorage(origin);
  if (reached !== null) log.warn('storage_unavailable', { detail: reached });
  return store;
}

/** The same storage, for another thread. `reached` null: it answers; else why not. */
export async function reopenStorage(origin: StorageOrigin): Promise<{ store: ObjectStore; reached: string | null }> {
  // The SDK is large, and few have use for it.
  const store =
    origin.kind === 'folder' ? new FolderStore(origin.folder) : new (await import('./s3-store.ts')).S3Store(origin);
  try {
    await store.open();
    return { store, reached: null };
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) throw error;
    return { store, reached: messageOf(error) };
  }
}
