import { rename, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import type { FilesRequest, writtenFiles } from '../../../protocol/api/files/files.ts';
import type * as z from 'zod';
import { openSubfolder, lstatEntry, namesIn, openFolderAt, entryPath, unlockFolder } from '../paths/safe-path.ts';
import { parsePath, displayPath, type ByteName } from '../paths/byte-name.ts';
import { errnoOf, FilesRefused, isDenied, refusedBy } from '../paths/refused.ts';
import { temporaryName } from '../paths/temporary.ts';

/** Nested folders that are open at once during a removal. Deeper ones are first moved up. */
const MAX_OPEN_DEPTH = 32;
/** How often a folder is read again because new entries appear, before giving up. */
const PASSES = 50;
/** The same, if each pass has moved deep folders up. */
const DEEP_PASSES = 20_000;

/** Removes a file, a link itself or an empty folder; with `recursive` also a folder with its content. */
export async function removePath(
  workspace: string,
  request: Extract<FilesRequest, { op: 'delete' }>,
): Promise<z.infer<typeof writtenFiles>> {
  const names = parsePath(request.path);
  const name = names.at(-1);
  if (name === undefined)
    throw new FilesRefused('path_invalid', 'The workspace itself cannot be deleted, only what is in it.');
  const parent = await openFolderAt(workspace, names.slice(0, -1));
  try {
    if (!(await lstatEntry(parent, name)).isDirectory()) await unlink(entryPath(parent, name));
    else if (!request.recursive) await rmdir(entryPath(parent, name));
    else await removeTree(parent, name);
    return { path: request.path, files: 0, bytes: 0 };
  } catch (error) {
    throw refusedBy(error, displayPath(names));
  } finally {
    await parent.close();
  }
}

/**
 * Removes a folder with its content, however deep. It uses only names in open folders: if the agent replaces an entry by a
 * link meanwhile, the link is removed.
 */
async function removeTree(parent: FileHandle, name: ByteName): Promise<void> {
  for (let pass = 0; ; pass++) {
    const folder = await openToEmpty(parent, name);
    try {
      await empty(folder, folder, 0);
    } finally {
      await folder.close();
    }
    try {
      return await rmdir(entryPath(parent, name));
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' || pass === PASSES) throw error;
    }
  }
}

/** Opens a folder that is to be removed, whatever its permissions: its owner may change them, as `rm` does not. */
async function openToEmpty(parent: FileHandle, name: ByteName): Promise<FileHandle> {
  const folder = await openSubfolder(parent, name).catch(async (error: unknown) => {
    if (!isDenied(error)) throw error;
    await unlockFolder(parent, name);
    return await openSubfolder(parent, name);
  });
  try {
    const { mode } = await folder.stat();
    if ((mode & 0o700) !== 0o700) await folder.chmod((mode & 0o7777) | 0o700);
    return folder;
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** Empties `folder`, which is `depth` levels below `top`. @returns how many folders it has moved up to `top` */
async function empty(folder: FileHandle, top: FileHandle, depth: number): Promise<number> {
  let total = 0;
  let moved = 0;
  for (let pass = 0; pass < PASSES || (moved > 0 && pass < DEEP_PASSES); pass++) {
    let found = false;
    moved = 0;
    for await (const name of namesIn(folder)) {
      found = true;
      moved += await removeEntry(folder, name, top, depth);
    }
    if (!found) break;
    total += moved;
  }
  return total;
}

/** The same for one entry. If it cannot be removed now, a later pass finds it again. */
async function removeEntry(folder: FileHandle, name: ByteName, top: FileHandle, depth: number): Promise<number> {
  if (!(await unlinkUnlessFolder(folder, name))) return 0;
  let inner;
  try {
    inner = await openToEmpty(folder, name);
  } catch (error) {
    return changedMeanwhile(error);
  }
  let moved = 0;
  try {
    moved = depth < MAX_OPEN_DEPTH ? await empty(inner, top, depth + 1) : await moveUp(inner, top);
  } finally {
    await inner.close();
  }
  await rmdir(entryPath(folder, name)).catch(changedMeanwhile);
  return moved;
}

/** Empties a folder at the depth limit: its subfolders move up to `top`. */
async function moveUp(folder: FileHandle, top: FileHandle): Promise<number> {
  let moved = 0;
  for await (const name of namesIn(folder)) {
    if (!(await unlinkUnlessFolder(folder, name))) continue;
    try {
      // To move a folder, one must be able to write to it.
      await unlockFolder(folder, name);
      await rename(entryPath(folder, name), entryPath(top, temporaryName()));
      moved++;
    } catch (error) {
      changedMeanwhile(error);
    }
  }
  return moved;
}

/** Removes an entry unless it is a folder. @returns whether it is a folder */
async function unlinkUnlessFolder(folder: FileHandle, name: ByteName): Promise<boolean> {
  try {
    await unlink(entryPath(folder, name));
    return false;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return false;
    if (code === 'EISDIR') return true;
    throw error;
  }
}

/** The entry has changed or has new content. The next pass over the folder handles it. */
function changedMeanwhile(error: unknown): 0 {
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) return 0;
  throw error;
}
