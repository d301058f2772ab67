import type { TreeName } from '../../../protocol/link/runner-control.ts';
import { treeName } from '../../../protocol/link/runner-control.ts';

/** All keys in an owner's part of the storage. */

export const OWNERS = 'owners/';
const part = (owner: string) => `${OWNERS}${owner}/`;

/** A tree's manifest. Immutable, and written last: if it exists, the tree is complete. */
export const treeKey = (owner: string, { snapshot_id, tree }: TreeName) =>
  `${treesPrefix(owner)}${snapshot_id}.${tree}`;
export const treesPrefix = (owner: string) => `${part(owner)}trees/`;

/** A pack: blocks of file content, one after the other. Immutable. */
export const packKey = (owner: string, pack: string) => `${packsPrefix(owner)}${pack}`;
export const packsPrefix = (owner: string) => `${part(owner)}packs/`;

/** The lease of a snapshot that is being saved. While it exists, no pack is removed. */
export const leaseKey = (owner: string, snapshotId: string) => `${leasesPrefix(owner)}${snapshotId}`;
export const leasesPrefix = (owner: string) => `${part(owner)}saving/`;

/** The unreferenced packs that sweeps have found. */
export const sweepKey = (owner: string) => `${part(owner)}sweep.json`;

/** The tree that a key below `treesPrefix` names; undefined: the key is not a tree's. */
export function treeOfKey(owner: string, key: string): TreeName | undefined {
  const [snapshot_id, tree] = key.slice(treesPrefix(owner).length).split('.');
  return treeName.safeParse({ snapshot_id, tree }).data;
}
