import type { ObjectStore } from '../../storage/object-store.ts';
import { packsPrefix, treesPrefix } from '../format/storage-keys.ts';

/** The size of an owner's snapshots in the storage, bytes. @throws StorageUnavailable */
export async function ownerUsage(store: ObjectStore, owner: string): Promise<number> {
  let bytes = 0;
  for (const prefix of [packsPrefix(owner), treesPrefix(owner)])
    for await (const { size } of store.list(prefix)) bytes += size;
  return bytes;
}
