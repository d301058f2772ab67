import path from 'node:path';
import { messageOf, type Log } from '../lib/log.ts';
import { FolderStore } from './folder-store.ts';
import { StorageUnavailable, type ObjectStore } from './object-store.ts';
import type { StorageOrigin, StorageSettings } from './storage-settings.ts';

/**
 * Opens the storage, even if it cannot be reached now. Then `health` reports that, and gets the id once the storage
 * answers.
 *
 * @param dataFolder the runner's data folder; holds the storage if no setting names one
 */
export async function openStorage(settings: StorageSettings, dataFolder: string, log: Log): Promise<ObjectStore> {
  const origin: StorageOrigin =
    settings.kind === 's3' ? settings : { kind: 'folder', folder: settings.folder ?? path.join(dataFolder, 'storage') };
  const { store, problem } = await reopenStorage(origin);
  if (problem !== null) log.warn('storage_unavailable', { detail: problem });
  return store;
}

/** Opens the same storage in another thread. `problem` null: it answers; else why not. */
export async function reopenStorage(origin: StorageOrigin): Promise<{ store: ObjectStore; problem: string | null }> {
  // Load the S3 SDK only if it is needed: it is large.
  const store =
    origin.kind === 'folder' ? new FolderStore(origin.folder) : new (await import('./s3-store.ts')).S3Store(origin);
  try {
    await store.open();
    return { store, problem: null };
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) throw error;
    return { store, problem: messageOf(error) };
  }
}
