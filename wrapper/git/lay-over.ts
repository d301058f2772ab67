import { link, lstat, readdir, rename, unlink } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import type { LeftOutList } from './left-out.ts';

const GIT = '.git';
const SLASH = Buffer.from('/');

/**
 * Moves all that is in the folder `from` into the folder `onto`. What is there already stays as it is, also if it came a
 * moment ago: nothing is ever replaced. What `from` holds in its place is left behind. Begun again after a crash, it goes on.
 *
 * The top folder's `.git` comes last, so that a folder with one is whole.
 */
export async function layOver(from: string, onto: string, leftOut: LeftOutList): Promise<void> {
  // Names are bytes: not every one is UTF-8.
  const [source, target] = [Buffer.from(from), Buffer.from(onto)];
  await moveAll(source, target, '', leftOut, (entry) => entry.name.toString() !== GIT);
  await moveAll(source, target, '', leftOut, (entry) => entry.name.toString() === GIT);
}

type Entry = Dirent<Buffer>;

async function moveAll(
  from: Buffer,
  onto: Buffer,
  prefix: string,
  leftOut: LeftOutList,
  isMoved: (entry: Entry) => boolean = () => true,
): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true, encoding: 'buffer' })) {
    if (!isMoved(entry)) continue;
    const source = Buffer.concat([from, SLASH, entry.name]);
    const target = Buffer.concat([onto, SLASH, entry.name]);
    const path = prefix + entry.name.toString();
    try {
      if (!entry.isDirectory()) await moveFile(source, target);
      else if (!(await moveFolder(source, target))) await moveAll(source, target, `${path}/`, leftOut);
    } catch (error) {
      if (!isCode(error, 'EACCES', 'EPERM')) throw error;
      leftOut.add(path, 'a folder that was uploaded takes no files: its mode forbids that');
    }
  }
}

/** Moves a file or a link, unless there is something in its place. */
async function moveFile(from: Buffer, to: Buffer): Promise<void> {
  try {
    // Unlike `rename`, this never replaces anything.
    await link(from, to);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return;
    if (!isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK')) throw error;
    // The file system has no hard links.
    if (await isThere(to)) return;
    await rename(from, to);
    return;
  }
  await unlink(from);
}

/** Moves a folder whole. False: there is a folder in its place that holds something. */
async function moveFolder(from: Buffer, to: Buffer): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    // A file or a link is in its place, and stays.
    if (isCode(error, 'ENOTDIR')) return true;
    throw error;
  }
}

async function isThere(file: Buffer): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    (error: unknown) => {
      if (isCode(error, 'ENOENT')) return false;
      throw error;
    },
  );
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
