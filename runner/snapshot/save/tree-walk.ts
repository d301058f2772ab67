import { closeSync, fstatSync, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { codeOf, hasChanged, isForbidden, folderPath, openFolder, entryPath } from '../safe-path-sync.ts';
import { DEPTH } from '../format/limits.ts';

/** An entry of a tree. `at` is valid until the next entry is requested. Paths have one character for each byte. */
export type WalkEntry =
  | { type: 'd'; path: string; stats: Stats }
  | { type: 'f'; path: string; at: string | Buffer; stats: Stats }
  | { type: 'l'; path: string; target: string; stats: Stats };

export interface WalkOptions {
  /** Names in the root to include; absent: all. */
  only?: ReadonlySet<string> | undefined;
  /** Names in the root to leave out, each with the reason for people. */
  except?: ReadonlyMap<string, string> | undefined;
  /** Called for each entry that is left out, with a reason for people. */
  skip: (path: string, why: string) => void;
}

interface Folder {
  descriptor: number;
  /** Its path with a slash; `''` for the root. */
  prefix: string;
  /** Sorted by bytes in reverse, to pop them. */
  names: string[];
}

/**
 * Walks everything below a folder: a folder before its content, names in byte order. Entries that disappear meanwhile are
 * skipped. No link is ever followed (safe-path-sync.ts).
 *
 * @throws if the folder itself cannot be read
 */
export function* walkTree(root: string, { only, except, skip }: WalkOptions): Generator<WalkEntry, void> {
  const open: Folder[] = [readFolder(openFolder(root), '')];
  try {
    const [top] = open;
    if (only !== undefined && top !== undefined) top.names = top.names.filter((name) => only.has(name));
    for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
      const name = folder.names.pop();
      if (name === undefined) {
        open.pop();
        closeSync(folder.descriptor);
        continue;
      }
      const path = folder.prefix + name;
      const why = folder === top ? except?.get(name) : undefined;
      if (why !== undefined) {
        skip(path, why);
        continue;
      }
      const at = entryPath(folder.descriptor, name);
      const stats = lstatSync(at, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.isFile()) {
        yield { type: 'f', path, at, stats };
      } else if (stats.isDirectory()) {
        if (open.length >= DEPTH) {
          skip(path, `lies ${DEPTH} folders deep: what is deeper is not saved`);
          continue;
        }
        const inner = tryReadFolder(at, path, skip);
        if (inner === undefined) continue;
        open.push(inner);
        yield { type: 'd', path, stats: fstatSync(inner.descriptor) };
      } else if (stats.isSymbolicLink()) {
        const target = tryReadLink(at, path, skip);
        if (target !== undefined) yield { type: 'l', path, target, stats };
      } else {
        skip(path, whatItIs(stats));
      }
    }
  } finally {
    for (const { descriptor } of open) closeSync(descriptor);
  }
}

function readFolder(descriptor: number, prefix: string): Folder {
  try {
    const names = readdirSync(folderPath(descriptor), { encoding: 'latin1' });
    // One character for each byte, so the string order is the byte order.
    return { descriptor, prefix, names: names.sort().toReversed() };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function tryReadFolder(at: string | Buffer, path: string, skip: WalkOptions['skip']): Folder | undefined {
  try {
    return readFolder(openFolder(at), `${path}/`);
  } catch (error) {
    reportUnreadable(error, path, skip);
    return undefined;
  }
}

function tryReadLink(at: string | Buffer, path: string, skip: WalkOptions['skip']): string | undefined {
  try {
    return readlinkSync(at, 'latin1');
  } catch (error) {
    reportUnreadable(error, path, skip);
    return undefined;
  }
}

/** Reports why an entry cannot be read. @throws errors that the tree does not cause */
export function reportUnreadable(error: unknown, path: string, skip: WalkOptions['skip']): void {
  if (codeOf(error) === 'ENOENT') return;
  if (hasChanged(error)) skip(path, 'became something else while it was read');
  else if (isForbidden(error)) skip(path, 'cannot be read: the runner is not allowed to');
  else throw error;
}

function whatItIs(stats: Stats): string {
  if (stats.isFIFO()) return 'is a named pipe: only files, folders and links are saved';
  if (stats.isSocket()) return 'is a socket: only files, folders and links are saved';
  return 'is a device: only files, folders and links are saved';
}
