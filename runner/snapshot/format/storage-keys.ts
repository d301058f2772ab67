import type { TreeName } from '../../../protocol/link/runner-control.ts';
import { treeName } from '../../../protocol/link/runner-control.ts';

/** Keys of an owner's part of the storage: only ever these. */

export const OWNERS = 'owners/';
const part = (owner: string) => `${OWNERS}${owner}/`;

/** Immutable; written last. That it is there means that the tree is whole. */
export const treeKey = (owner: string, { snapshot_id, tree }: TreeName) =>
  `${treesPrefix(owner)}${snapshot_id}.${tree}`;
export const treesPrefix = (owner: string) => `${part(owner)}trees/`;

/** Immutable: blocks of files' bytes, one after the other. */
export const packKey = (owner: string, pack: string) => `${packsPrefix(owner)}${pack}`;
export const packsPrefix = (owner: string) => `${part(owner)}packs/`;

/** A snapshot that is being taken: no pack is removed meanwhile. */
export const leaseKey = (owner: string, snapshotId: string) => `${leasesPrefix(owner)}${snapshotId}`;
export const leasesPrefix = (owner: string) => `${part(owner)}saving/`;

/** What the last sweep found that nothing refers to. */
export const sweepKey = (owner: string) => `${part(owner)}sweep.json`;

/** The tree that a key of `treesPrefix` names; undefined: it is none. */
export function treeOfKey(owner: string, key: string): TreeName | undefined {
  const [snapshot_id, tree] = key.slice(treesPrefix(owner).length).split('.');
  return treeName.safeParse({ snapshot_id, tree }).data;
}
