import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openSearchable, lstatIfExists, sortedNames } from './safe-path.ts';
import { displayPath, type ByteName } from './byte-name.ts';
import { errnoOf, FilesRefused, isDenied, refusedBy } from './refused.ts';

/** Deepest nesting that a walk enters. Each level is an open file of the runner. */
const WALK_DEPTH = 128;

export interface WalkEntry {
  /** Relative to the start of the walk. */
  path: ByteName;
  name: ByteName;
  /** Its parent folder. It is open until the next entry is requested. */
  folder: FileHandle;
  stats: BigIntStats;
  /** A folder that is nested too deep. The walk does not enter it. */
  tooDeep: boolean;
  /** A folder whose permissions keep the runner out. The walk does not enter it. */
  unreadable: boolean;
}

export interface WalkOptions {
  recursive: boolean;
  /** Start after this path, which may no longer exist. */
  after?: readonly ByteName[];
  /** What to do with a folder that is nested too deep. */
  tooDeep: 'skip' | 'refuse';
  /** Returns false: skip this entry and everything in it. */
  wanted?: (path: ByteName) => boolean;
}

interface Level {
  folder: FileHandle;
  prefix: ByteName;
  names: ByteName[];
  next: number;
  /** The rest of `after`, while the walk still moves towards it. */
  after: readonly ByteName[];
}

/**
 * Walks a folder depth first, sorted by bytes, each folder before its content. Entries that disappear meanwhile are skipped.
 * `start` stays open.
 */
export async function* walk(start: FileHandle, options: WalkOptions): AsyncGenerator<WalkEntry> {
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
      const isAfterPath = name === reached;
      const path = level.prefix + name;
      if (options.wanted?.(path) === false) continue;
      const stats = await lstatIfExists(level.folder, name).catch((error: unknown) => {
        throw refusedBy(error, displayPath(path));
      });
      if (stats === undefined) continue;
      const enters = options.recursive && stats.isDirectory();
      const tooDeep = enters && levels.length >= WALK_DEPTH;
      if (tooDeep && options.tooDeep === 'refuse')
        throw new FilesRefused('files_unavailable', `${displayPath(path)} is more than ${WALK_DEPTH} folders down.`);
      const inner = enters && !tooDeep ? await enter(level.folder, name, path) : undefined;
      const unreadable = inner === 'unreadable';
      try {
        if (!isAfterPath) yield { path, name, folder: level.folder, stats, tooDeep, unreadable };
        if (inner === undefined || inner === 'unreadable') continue;
        levels.push(await levelOf(inner, `${path}/`, isAfterPath ? rest : []));
      } finally {
        const entered = levels.at(-1)?.folder === inner;
        if (!entered && inner !== undefined && inner !== 'unreadable') await inner.close();
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

/** Opens a folder; undefined: it is no longer a folder. */
async function enter(
  folder: FileHandle,
  name: ByteName,
  path: ByteName,
): Promise<FileHandle | 'unreadable' | undefined> {
  try {
    return await openSearchable(folder, name);
  } catch (error) {
    if (isDenied(error)) return 'unreadable';
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw refusedBy(error, displayPath(path));
  }
}
