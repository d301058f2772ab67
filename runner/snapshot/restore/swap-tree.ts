import { existsSync, renameSync, rmSync } from 'node:fs';

/** Beside a tree: what is being restored, and what was there before. */
export const restoringTo = (into: string) => `${into}.restoring`;
const replaced = (into: string) => `${into}.replaced`;

/**
 * Puts a tree that is whole in place of another. Node cannot swap two names in one call: should the machine stop between the two that it
 * takes, `recoverTree` puts the old one back.
 */
export function swapTree(whole: string, into: string): void {
  recoverTree(into);
  const old = replaced(into);
  if (existsSync(into)) renameSync(into, old);
  renameSync(whole, into);
  removeTree(old);
}

/** Undoes what a restore that was cut short left. To be called before a tree is used; costs next to nothing. */
export function recoverTree(into: string): void {
  const old = replaced(into);
  if (!existsSync(old)) return;
  if (existsSync(into)) removeTree(old);
  else renameSync(old, into);
}

/** The folder that holds it is the runner's alone, so nobody can put a link in the way. */
export function removeTree(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
