import { FilesRefused } from './refused.ts';

/**
 * A name, or names joined by slashes, as the file system has it: a byte a character (latin1). So nothing of a name that is not UTF-8
 * gets lost, and JavaScript's own order of strings is the order of bytes.
 */
export type ByteName = string;

export const bytesOf = (name: ByteName): Buffer => Buffer.from(name, 'latin1');
export const byteName = (text: string): ByteName => Buffer.from(text, 'utf8').toString('latin1');
/** For people: bytes that are not UTF-8 show as U+FFFD. */
export const textOf = (name: ByteName): string => bytesOf(name).toString('utf8');

const SHOWN = 300;

/** A path within the workspace, fit for a sentence. */
export function shown(names: readonly ByteName[] | ByteName): string {
  const text = textOf(typeof names === 'string' ? names : names.join('/'));
  if (text === '') return 'The workspace';
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

/** A client's path, one name after the other; `''` is the workspace itself. Refuses what is no plain path within it. */
export function parsePath(path: string): ByteName[] {
  if (path === '') return [];
  const invalid = (why: string): FilesRefused =>
    new FilesRefused(
      'path_invalid',
      `${shown(byteName(path))} ${why}. A path is relative to the workspace, as in "src/main.ts".`,
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
 * The name of an archive's entry, which may be written in more ways (`./a//b/`), or why it cannot be had. Empty: the folder itself
 * that the archive is unpacked into.
 */
export function parseEntryName(name: ByteName): ByteName[] | string {
  if (name.includes('\0')) return 'its name holds a NUL';
  if (name.startsWith('/')) return 'its name is absolute';
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  return names.includes('..') ? 'its name holds ".."' : names;
}
