import { rename, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import type { FilesRequest, writtenFiles } from '../../../protocol/api/files.ts';
import type * as z from 'zod';
import { enter, look, namesIn, reach, within } from '../paths/safe-path.ts';
import { parsePath, shown, type ByteName } from '../paths/byte-name.ts';
import { errnoOf, FilesRefused, refusedBy } from '../paths/refused.ts';
import { temporaryName } from '../paths/temporary.ts';

/** Folders in folders that are held open while their tree is removed; what is deeper is first brought up. */
const HELD = 32;
/** Times that a folder is looked through again because something in it is new, before that is left at. */
const PASSES = 50;
/** The same, where each time has brought up folders from far down. */
const DEEP_PASSES = 20_000;

/** Removes what is at a path: a file, a link itself, an empty folder; with `recursive` a folder with all that is in it. */
export async function removePath(
  workspace: string,
  request: Extract<FilesRequest, { op: 'delete' }>,
): Promise<z.infer<typeof writtenFiles>> {
  const names = parsePath(request.path);
  const name = names.at(-1);
  if (name === undefined)
    throw new FilesRefused('path_invalid', 'The workspace itself cannot be deleted, only what is in it.');
  const parent = await reach(workspace, names.slice(0, -1));
  try {
    if (!(await look(parent, name)).isDirectory()) await unlink(within(parent, name));
    else if (!request.recursive) await rmdir(within(parent, name));
    else await removeTree(parent, name);
    return { path: request.path, files: 0, bytes: 0 };
  } catch (error) {
    throw refusedBy(error, shown(names));
  } finally {
    await parent.close();
  }
}

/**
 * Removes a folder with all that is in it, however deep, by names within open folders alone: what the agent swaps for a link
 * meanwhile is removed as a link.
 */
export async function removeTree(parent: FileHandle, name: ByteName): Promise<void> {
  for (let pass = 0; ; pass++) {
    const folder = await enter(parent, name);
    try {
      await empty(folder, folder, 0);
    } finally {
      await folder.close();
    }
    try {
      return await rmdir(within(parent, name));
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' || pass === PASSES) throw error;
    }
  }
}

/** Removes all that is in `folder`, which is in `top`, `depth` folders down. Returns how many folders it has brought up to `top`. */
async function empty(folder: FileHandle, top: FileHandle, depth: number): Promise<number> {
  let total = 0;
  let raised = 0;
  for (let pass = 0; pass < PASSES || (raised > 0 && pass < DEEP_PASSES); pass++) {
    let found = false;
    raised = 0;
    for await (const name of namesIn(folder)) {
      found = true;
      raised += await removeEntry(folder, name, top, depth);
    }
    if (!found) break;
    total += raised;
  }
  return total;
}

/** The same for one entry, if it can; what stays is found again. */
async function removeEntry(folder: FileHandle, name: ByteName, top: FileHandle, depth: number): Promise<number> {
  if (!(await unlinkUnlessFolder(folder, name))) return 0;
  let inner;
  try {
    inner = await enter(folder, name);
  } catch (error) {
    return changedMeanwhile(error);
  }
  let raised = 0;
  try {
    raised = depth < HELD ? await empty(inner, top, depth + 1) : await raise(inner, top);
  } finally {
    await inner.close();
  }
  await rmdir(within(folder, name)).catch(changedMeanwhile);
  return raised;
}

/** Empties a folder that is too far down to be entered any further: its folders go up into `top`. */
async function raise(folder: FileHandle, top: FileHandle): Promise<number> {
  let raised = 0;
  for await (const name of namesIn(folder)) {
    if (!(await unlinkUnlessFolder(folder, name))) continue;
    await rename(within(folder, name), within(top, temporaryName())).then(() => raised++, changedMeanwhile);
  }
  return raised;
}

/** Whether it is a folder, and so still there. */
async function unlinkUnlessFolder(folder: FileHandle, name: ByteName): Promise<boolean> {
  try {
    await unlink(within(folder, name));
    return false;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return false;
    if (code === 'EISDIR') return true;
    throw error;
  }
}

/** It is another thing by now, or has new things in it: both show when the folder is looked through again. */
function changedMeanwhile(error: unknown): 0 {
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) return 0;
  throw error;
}
