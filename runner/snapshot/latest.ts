import type { ObjectStore } from '../storage/object-store.ts';
import { treeOfKey, treesPrefix } from './format/storage-keys.ts';

/** The newest snapshot of which both trees are stored, where their ids are of the time at which they were taken (UUIDv7). */
export async function latestSnapshot(store: Pick<ObjectStore, 'list'>, owner: string): Promise<string | undefined> {
  const trees = new Map<string, number>();
  for await (const { key } of store.list(treesPrefix(owner))) {
    const name = treeOfKey(owner, key);
    if (name !== undefined && name.tree !== 'artifact')
      trees.set(name.snapshot_id, 1 + (trees.get(name.snapshot_id) ?? 0));
  }
  return [...trees]
    .filter(([, count]) => count === 2)
    .map(([id]) => id)
    .toSorted()
    .at(-1);
}
