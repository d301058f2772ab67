import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { enter, lookIfThere, sortedNames } from './safe-path.ts';
import { shown, type ByteName } from './byte-name.ts';
import { errnoOf, FilesRefused, refusedBy } from './refused.ts';

/** Folders in folders that a walk goes down: each is an open file of the runner's. */
export const WALK_DEPTH = 128;

export interface Found {
  /** From where the walk began. */
  path: ByteName;
  name: ByteName;
  /** The folder that it is in; open until the walk is asked for what comes next. */
  folder: FileHandle;
  stats: BigIntStats;
  /** A folder that is too far down: what is in it does not come. */
  left: boolean;
}

export interface WalkOptions {
  recursive: boolean;
  /** Begin after this path, which need not be there any more. */
  after?: readonly ByteName[];
  /** What to do about a folder that is too far down. */
  tooDeep: 'leave out' | 'refuse';
  /** False: neither this entry nor what is in it. */
  wanted?: (path: ByteName) => boolean;
}

interface Level {
  folder: FileHandle;
  prefix: ByteName;
  names: ByteName[];
  next: number;
  /** What is left of `after`, while the walk is still on the way to it. */
  after: readonly ByteName[];
}

/**
 * What is in a folder, depth first, each folder before what is in it, sorted by bytes. What goes away meanwhile is left out.
 * `start` stays open.
 */
export async function* walk(start: FileHandle, options: WalkOptions): AsyncGenerator<Found> {
  const levels: Level[] = [await levelOf(start, '', options.after ?? [])];
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names[level.next++];
      if (name === undefined) {
        levels.pop();
        if (level.folder !== start) await level.folder.close();
        continue;
      }
      const [reached, ...rest] = level.after;
      const passed = name === reached;
      const path = level.prefix + name;
      if (options.wanted?.(path) === false) continue;
      const stats = await lookIfThere(level.folder, name).catch((error: unknown) => {
        throw refusedBy(error, shown(path));
      });
      if (stats === undefined) continue;
      const enters = options.recursive && stats.isDirectory();
      const tooDeep = enters && levels.length >= WALK_DEPTH;
      if (!passed) yield { path, name, folder: level.folder, stats, left: tooDeep };
      if (!enters) continue;
      if (tooDeep) {
        if (options.tooDeep === 'leave out') continue;
        throw new FilesRefused('files_unavailable', `${shown(path)} is more than ${WALK_DEPTH} folders down.`);
      }
      const folder = await enterIfThere(level.folder, name, path);
      if (folder === undefined) continue;
      try {
        levels.push(await levelOf(folder, `${path}/`, passed ? rest : []));
      } catch (error) {
        await folder.close();
        throw error;
      }
    }
  } finally {
    for (const { folder } of levels) if (folder !== start) await folder.close();
  }
}

async function levelOf(folder: FileHandle, prefix: ByteName, after: readonly ByteName[]): Promise<Level> {
  const names = await sortedNames(folder, prefix.slice(0, -1));
  const [first] = after;
  return { folder, prefix, names, after, next: first === undefined ? 0 : lowerBound(names, first) };
}

/** Index of the first name that is not before `name`. */
function lowerBound(names: readonly ByteName[], name: ByteName): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Undefined: it is no folder any more. */
async function enterIfThere(folder: FileHandle, name: ByteName, path: ByteName): Promise<FileHandle | undefined> {
  try {
    return await enter(folder, name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw refusedBy(error, shown(path));
  }
}
