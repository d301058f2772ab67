import { isAscii } from 'node:buffer';
import { closeSync, constants, openSync } from 'node:fs';

/**
 * Safe access to a tree that an agent may change meanwhile, for example by replacing a folder by a link. Every entry is
 * addressed by one name in an open folder, and links are never followed. The kernel never gets a path with two names of the
 * agent's. This needs Linux. It is the synchronous counterpart of files/paths/safe-path.ts, for worker threads: a promise for
 * each call would cost more than most of the calls.
 */

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** The path of `name` (one character for each byte) in an open folder, for one call. */
export function entryPath(folder: number, name: string): string | Buffer {
  const path = `/proc/self/fd/${folder}/${name}`;
  // Node encodes a string as UTF-8. Only for ASCII are those the same bytes.
  return isAscii(Buffer.from(name, 'latin1')) ? path : Buffer.from(path, 'latin1');
}

/** The path of an open folder itself, for one call. */
export const folderPath = (folder: number) => `/proc/self/fd/${folder}`;

export function openFolder(path: string | Buffer): number {
  return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/** Opens a file for reading. It does not block if the file has become a pipe. */
export function openFile(path: string | Buffer): number {
  return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/** Creates a file that must not exist. */
export function createFile(path: string | Buffer, mode: number): number {
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

export function closeAll(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) closeSync(descriptor);
}

/** The code of a failed system call; undefined: another kind of error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The entry disappeared or changed its type after it was seen, because somebody works in the tree. */
export function hasChanged(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO', 'EISDIR'].includes(codeOf(error) ?? '');
}

/** Access was denied. This only happens to a runner that is not root. */
export function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');
}
