import { FilesRefused } from './refused.ts';

/**
 * A file name, or a path, as the file system stores it: one character for each byte (latin1). So names that are not UTF-8
 * keep all their bytes, and JavaScript's string order is the byte order.
 */
export type ByteName = string;

export const bytesOf = (name: ByteName): Buffer => Buffer.from(name, 'latin1');
export const byteName = (text: string): ByteName => Buffer.from(text, 'utf8').toString('latin1');
/** For people: bytes that are not UTF-8 show as U+FFFD. */
export const textOf = (name: ByteName): string => bytesOf(name).toString('utf8');

/** Longest path in a sentence, characters. */
const MAX_DISPLAYED = 300;

/** A path in the workspace, quoted and shortened for a sentence. */
export function displayPath(names: readonly ByteName[] | ByteName): string {
  const text = textOf(typeof names === 'string' ? names : names.join('/'));
  if (text === '') return 'The workspace';
  return JSON.stringify(text.length > MAX_DISPLAYED ? `${text.slice(0, MAX_DISPLAYED)}…` : text);
}

/** Splits a client's path into names; `''` is the workspace itself. Refuses anything but a plain relative path. */
export function parsePath(path: string): ByteName[] {
  if (path === '') return [];
  const invalid = (why: string): FilesRefused =>
    new FilesRefused(
      'path_invalid',
      `${displayPath(byteName(path))} ${why}. A path is relative to the workspace, as in "src/main.ts".`,
    );
  if (!path.isWellFormed()) throw invalid('is not Unicode');
  if (path.includes('\0')) throw invalid('holds a NUL');
  if (path.startsWith('/')) throw invalid('begins with a slash');
  return path.split('/').map((name) => {
    if (name === '') throw invalid('holds an empty name');
    if (name === '.' || name === '..') throw invalid(`holds "${name}"`);
    return byteName(name);
  });
}

/**
 * Splits an archive entry's name into names. Unlike a client's path, `./a//b/` is allowed.
 *
 * @returns the names, empty for the target folder itself; or a text that says why the name is refused
 */
export function parseEntryName(name: ByteName): ByteName[] | string {
  if (name.includes('\0')) return 'its name holds a NUL';
  if (name.startsWith('/')) return 'its name is absolute';
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  return names.includes('..') ? 'its name holds ".."' : names;
}
