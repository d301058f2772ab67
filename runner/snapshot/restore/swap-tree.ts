import { existsSync, renameSync, rmSync } from 'node:fs';

/** Next to a tree: the folder that is being restored, and the old tree during the swap. */
export const restoringPath = (into: string) => `${into}.restoring`;
const replacedPath = (into: string) => `${into}.replaced`;

/**
 * Replaces a tree by a complete one. Node cannot swap two names in one call. If the machine stops between the two renames,
 * `recoverTree` puts the old tree back.
 */
export function swapTree(complete: string, into: string): void {
  recoverTree(into);
  const old = replacedPath(into);
  if (existsSync(into)) renameSync(into, old);
  renameSync(complete, into);
  removeTree(old);
}

/** Undoes an interrupted restore. Call it before a tree is used; it is cheap. */
export function recoverTree(into: string): void {
  const old = replacedPath(into);
  if (!existsSync(old)) return;
  if (existsSync(into)) removeTree(old);
  else renameSync(old, into);
}

/** Removes a tree. Only the runner has access to its parent folder, so nobody can replace the tree by a link. */
export function removeTree(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
