import { mkdir, type FileHandle } from 'node:fs/promises';
import type { Owner } from '../../backend/backend.ts';
import { enter, notAFolder, reopen, within } from './safe-path.ts';
import { shown, type ByteName } from './byte-name.ts';
import { errnoOf, refusedBy } from './refused.ts';

const FOLDER_MODE = 0o755;

/**
 * Goes down from an open folder and makes what is missing, 0755, given to `as`. What is returned is another open folder, also
 * for no names, to be closed by the caller. `path` is where `from` is, for sentences.
 */
export async function makeFolders(
  from: FileHandle,
  names: readonly ByteName[],
  as: Owner | undefined,
  path: readonly ByteName[],
): Promise<FileHandle> {
  let folder = await reopen(from);
  for (const [index, name] of names.entries()) {
    const so = [...path, ...names.slice(0, index + 1)];
    try {
      const next = await enterOrMake(folder, name, as);
      await folder.close();
      folder = next;
    } catch (error) {
      const refused = await notAFolder(folder, so, error);
      await folder.close();
      throw refused;
    }
  }
  return folder;
}

async function enterOrMake(folder: FileHandle, name: ByteName, as: Owner | undefined): Promise<FileHandle> {
  try {
    return await enter(folder, name);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const made = await mkdir(within(folder, name), FOLDER_MODE).then(
    () => true,
    (error: unknown) => {
      // The agent made it meanwhile.
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    },
  );
  const next = await enter(folder, name);
  if (made)
    await give(next, as, FOLDER_MODE).catch(async (error: unknown) => {
      await next.close();
      throw refusedBy(error, shown([name]));
    });
  return next;
}

/** Sets owner and mode of what is open, whatever its name is by now. */
export async function give(open: FileHandle, as: Owner | undefined, mode: number): Promise<void> {
  if (as !== undefined) await open.chown(as.uid, as.gid);
  await open.chmod(mode);
}
