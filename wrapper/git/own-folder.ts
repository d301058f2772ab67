import { lstat, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { WORKSPACE } from '../../protocol/git/repository-path.ts';

/**
 * Makes a folder of the workspace, with those that lead to it. Links are not followed: a repository that was cloned before
 * may have planted them.
 *
 * @returns what is in its way, as a path within the workspace; null: nothing, and the folder is there
 */
export async function makeOwnFolder(workspace: string, folder: string): Promise<string | null> {
  if (folder === WORKSPACE) return null;
  let inside = '';
  for (const name of folder.split('/')) {
    inside = path.posix.join(inside, name);
    const at = path.join(workspace, inside);
    await mkdir(at).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
    if (!(await lstat(at)).isDirectory()) return inside;
  }
  return null;
}
