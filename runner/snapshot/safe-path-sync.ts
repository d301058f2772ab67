import { isAscii } from 'node:buffer';
import { closeSync, constants, openSync } from 'node:fs';

/**
 * Access to a tree whose owner may change it meanwhile, as when an agent swaps a folder for a link to somewhere else: one
 * name at a time, from an open folder, and never through a link. The kernel is given no path with two names in it that the
 * agent could have chosen. Linux alone has what it takes. Synchronous, for threads of their own: a promise a call costs more
 * than most of the calls.
 */

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** `name` (a byte a character) in an open folder, as a path for one call. */
export function within(folder: number, name: string): string | Buffer {
  const path = `/proc/self/fd/${folder}/${name}`;
  // As text it would be encoded as UTF-8, which of ASCII alone is the same bytes.
  return isAscii(Buffer.from(name, 'latin1')) ? path : Buffer.from(path, 'latin1');
}

/** An open folder itself, as a path for one call. */
export const itself = (folder: number) => `/proc/self/fd/${folder}`;

export function openFolder(path: string | Buffer): number {
  return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/** Does not wait for anyone, should it have become a pipe. */
export function openFile(path: string | Buffer): number {
  return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/** A file that was not there. */
export function createFile(path: string | Buffer, mode: number): number {
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

export function closeAll(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) closeSync(descriptor);
}

/** The code of a failed system call; undefined: it was something else. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** It went, or became something else, after it was seen: somebody works in the tree. */
export function hasChanged(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO', 'EISDIR'].includes(codeOf(error) ?? '');
}

/** Only a runner that is not root meets it. */
export function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');
}
