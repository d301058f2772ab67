import { closeSync, fstatSync, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { codeOf, hasChanged, isForbidden, itself, openFolder, within } from '../safe-path-sync.ts';
import { DEPTH } from '../format/limits.ts';

/** Something in a tree. Only until the next one is asked for does `at` lead to it. Paths are bytes, one a character. */
export type Found =
  | { type: 'd'; path: string; stats: Stats }
  | { type: 'f'; path: string; at: string | Buffer; stats: Stats }
  | { type: 'l'; path: string; target: string; stats: Stats };

export interface WalkOptions {
  /** Names in the root that are looked at; absent: all. */
  only?: ReadonlySet<string> | undefined;
  /** Told what is left out, and why, for people. */
  skip: (path: string, why: string) => void;
}

interface Folder {
  descriptor: number;
  /** Its path with a slash; `''` of the root. */
  prefix: string;
  /** Sorted by bytes, last first. */
  names: string[];
}

/**
 * All that is below a folder: folders before what is in them, names in the order of their bytes. What vanishes meanwhile is not
 * there; no link is followed, whatever happens (beneath-sync.ts).
 *
 * @throws when the folder itself cannot be read
 */
export function* walkTree(root: string, { only, skip }: WalkOptions): Generator<Found, void> {
  const open: Folder[] = [enter(openFolder(root), '')];
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
      const at = within(folder.descriptor, name);
      const stats = lstatSync(at, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.isFile()) {
        yield { type: 'f', path, at, stats };
      } else if (stats.isDirectory()) {
        if (open.length >= DEPTH) {
          skip(path, `lies ${DEPTH} folders deep: what is deeper is not saved`);
          continue;
        }
        const inner = tryEnter(at, path, skip);
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

function enter(descriptor: number, prefix: string): Folder {
  try {
    const names = readdirSync(itself(descriptor), { encoding: 'latin1' });
    // One character a byte, so the order of the characters is the order of the bytes.
    return { descriptor, prefix, names: names.sort().toReversed() };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function tryEnter(at: string | Buffer, path: string, skip: WalkOptions['skip']): Folder | undefined {
  try {
    return enter(openFolder(at), `${path}/`);
  } catch (error) {
    leftOut(error, path, skip);
    return undefined;
  }
}

function tryReadLink(at: string | Buffer, path: string, skip: WalkOptions['skip']): string | undefined {
  try {
    return readlinkSync(at, 'latin1');
  } catch (error) {
    leftOut(error, path, skip);
    return undefined;
  }
}

/** Says why what was seen cannot be read. @throws what is not the tree's doing */
export function leftOut(error: unknown, path: string, skip: WalkOptions['skip']): void {
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
