import { mkdir, type FileHandle } from 'node:fs/promises';
import type { Owner } from '../../lib/session-folders.ts';
import { openSubfolder, folderError, reopen, entryPath } from './safe-path.ts';
import { displayPath, type ByteName } from './byte-name.ts';
import { errnoOf, refusedBy } from './refused.ts';

const FOLDER_MODE = 0o755;

/**
 * Makes the missing folders of a path below an open folder, with mode 0755 and owner `as`. Returns a new handle, even if
 * `names` is empty; the caller closes it.
 *
 * @param path the path of `from`, for error messages
 */
export async function makeFolders(
  from: FileHandle,
  names: readonly ByteName[],
  as: Owner | undefined,
  path: readonly ByteName[],
): Promise<FileHandle> {
  let folder = await reopen(from);
  for (const [index, name] of names.entries()) {
    const current = [...path, ...names.slice(0, index + 1)];
    try {
      const next = await enterOrMake(folder, name, as);
      await folder.close();
      folder = next;
    } catch (error) {
      const refused = await folderError(folder, current, error);
      await folder.close();
      throw refused;
    }
  }
  return folder;
}

async function enterOrMake(folder: FileHandle, name: ByteName, as: Owner | undefined): Promise<FileHandle> {
  try {
    return await openSubfolder(folder, name);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const made = await mkdir(entryPath(folder, name), FOLDER_MODE).then(
    () => true,
    (error: unknown) => {
      // The agent made it meanwhile.
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    },
  );
  const next = await openSubfolder(folder, name);
  if (made)
    await setOwnerAndMode(next, as, FOLDER_MODE).catch(async (error: unknown) => {
      await next.close();
      throw refusedBy(error, displayPath([name]));
    });
  return next;
}

/** Sets owner and mode by the open handle, even if its name has changed. */
export async function setOwnerAndMode(open: FileHandle, as: Owner | undefined, mode: number): Promise<void> {
  if (as !== undefined) await open.chown(as.uid, as.gid);
  await open.chmod(mode);
}
