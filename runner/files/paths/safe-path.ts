import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, opendir, readlink, stat, type FileHandle } from 'node:fs/promises';
import { shown, type ByteName } from './byte-name.ts';
import { errnoOf, FilesRefused, refusedBy } from './refused.ts';

/**
 * How a session's tree is reached. The agent owns all that is in it and may swap a folder for a symlink at any moment, so no path of
 * more than one of its names is ever given to the kernel: each folder is opened from the one above it, without following a
 * link, and what is in it is named as `/proc/self/fd/<folder>/<name>`. Linux alone has that.
 *
 * Node has no `openat`; this is the same, as long as the folder stays open until the call has returned.
 */
const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Entries of one folder that are listed at all: they are sorted in memory. */
export const FOLDER_ENTRIES = 250_000;

/** Does something with an open file or folder, and closes it whatever happens. */
export async function closing<T>(opened: FileHandle, use: (opened: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** The path of what `name` names in an open folder: for calls that do not follow a link at its end. */
export function within(folder: FileHandle, name: ByteName): Buffer {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw new Error('not the name of an entry');
  return Buffer.from(`/proc/self/fd/${folder.fd}/${name}`, 'latin1');
}

/** The open folder itself. */
const itself = (folder: FileHandle): string => `/proc/self/fd/${folder.fd}`;

/** Opens the workspace; its own path is the runner's, and trusted. */
export async function openWorkspace(workspace: string): Promise<FileHandle> {
  if (process.platform !== 'linux')
    throw new FilesRefused('files_unavailable', 'Files can be reached on runners that run on Linux alone.');
  const folder = await open(workspace, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error: unknown) => {
    throw new FilesRefused('files_unavailable', `The workspace could not be opened (${errnoOf(error)}).`, {
      cause: error,
    });
  });
  try {
    const [opened, seen] = [await folder.stat(), await stat(itself(folder))];
    if (opened.dev === seen.dev && opened.ino === seen.ino) return folder;
    throw new Error('/proc shows another process');
  } catch (error) {
    await folder.close();
    throw new FilesRefused('files_unavailable', 'The runner has no /proc/self/fd, which it needs for reaching files.', {
      cause: error,
    });
  }
}

/** Opens a folder in a folder; fails as the kernel does, with ENOTDIR for a symlink too. */
export function enter(folder: FileHandle, name: ByteName): Promise<FileHandle> {
  return open(within(folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
}

/** The same folder, opened once more. */
export function reopen(folder: FileHandle): Promise<FileHandle> {
  return open(itself(folder), O_RDONLY | O_DIRECTORY);
}

/** What `name` is, itself: links are not followed. */
export function look(folder: FileHandle, name: ByteName): Promise<BigIntStats> {
  return lstat(within(folder, name), { bigint: true });
}

export async function lookIfThere(folder: FileHandle, name: ByteName): Promise<BigIntStats | undefined> {
  return await look(folder, name).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

export async function linkTarget(folder: FileHandle, name: ByteName): Promise<ByteName> {
  return await readlink(within(folder, name), { encoding: 'latin1' });
}

/** How far down a path there are folders. `missing` begins with the first name that is not there. */
export interface Reached {
  /** To be closed by the caller. */
  folder: FileHandle;
  missing: ByteName[];
}

/** Goes down as far as there is anything. Refuses what is in the way: a file, a symlink. */
export async function reachDown(workspace: string, names: readonly ByteName[]): Promise<Reached> {
  let folder = await openWorkspace(workspace);
  for (const [index, name] of names.entries()) {
    try {
      const next = await enter(folder, name);
      await folder.close();
      folder = next;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return { folder, missing: names.slice(index) };
      const refused = await notAFolder(folder, names.slice(0, index + 1), error);
      await folder.close();
      throw refused;
    }
  }
  return { folder, missing: [] };
}

/** Opens the folder at `names`; to be closed by the caller. */
export async function reach(workspace: string, names: readonly ByteName[]): Promise<FileHandle> {
  const { folder, missing } = await reachDown(workspace, names);
  if (missing.length === 0) return folder;
  await folder.close();
  throw new FilesRefused('file_not_found', `${shown(names.slice(0, names.length - missing.length + 1))} is not there.`);
}

/** Why the last of `names`, which is in `folder`, could not be entered. */
export async function notAFolder(folder: FileHandle, names: readonly ByteName[], error: unknown): Promise<unknown> {
  const code = errnoOf(error);
  if (code !== 'ENOTDIR' && code !== 'ELOOP') return refusedBy(error, shown(names));
  return new FilesRefused('not_a_directory', await whatItIs(folder, names));
}

/** A file, opened for reading: neither a link nor a pipe or a device, however it came there. */
export async function openFile(folder: FileHandle, names: readonly ByteName[]): Promise<OpenFile> {
  try {
    // Before it is opened too: opening a pipe or a device is felt on its other side.
    if (!(await look(folder, names.at(-1) ?? '')).isFile())
      throw new FilesRefused('not_a_file', await whatItIs(folder, names));
    return await openSeenFile(folder, names);
  } catch (error) {
    throw refusedBy(error, shown(names));
  }
}

export interface OpenFile {
  /** To be closed by the caller. */
  file: FileHandle;
  stats: BigIntStats;
}

/** The same for what has just been seen to be a file. */
export async function openSeenFile(folder: FileHandle, names: readonly ByteName[]): Promise<OpenFile> {
  try {
    const file = await open(within(folder, names.at(-1) ?? ''), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const stats = await file.stat({ bigint: true });
    if (stats.isFile()) return { file, stats };
    await file.close();
    throw new FilesRefused('not_a_file', await whatItIs(folder, names));
  } catch (error) {
    throw refusedBy(error, shown(names));
  }
}

/** A sentence that says what is there instead of what was asked for. */
export async function whatItIs(folder: FileHandle, names: readonly ByteName[]): Promise<string> {
  const name = names.at(-1);
  try {
    if (name === undefined) return `${shown(names)} is a folder.`;
    const stats = await look(folder, name);
    if (stats.isDirectory()) return `${shown(names)} is a folder.`;
    if (stats.isFile()) return `${shown(names)} is a file.`;
    if (!stats.isSymbolicLink()) return `${shown(names)} is neither a file nor a folder.`;
    const target = shown(await linkTarget(folder, name));
    return `${shown(names)} is a symlink to ${target}; links are not followed, so ask for what it points to.`;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return `${shown(names)} changed while it was looked at.`;
  }
}

/** The names in an open folder, in no order. Reads on while it is consumed. */
export async function* namesIn(folder: FileHandle): AsyncGenerator<ByteName> {
  // Node's types know no encoding but UTF-8 for the names of `opendir`'s entries; all of them are taken.
  for await (const entry of await opendir(itself(folder), { encoding: 'latin1', bufferSize: 512 })) yield entry.name;
}

/** The names in an open folder, sorted by their bytes. */
export async function sortedNames(folder: FileHandle, path: readonly ByteName[] | ByteName): Promise<ByteName[]> {
  const names: ByteName[] = [];
  for await (const name of namesIn(folder)) {
    if (names.length === FOLDER_ENTRIES)
      throw new FilesRefused('files_unavailable', `${shown(path)} has more than ${FOLDER_ENTRIES} entries.`);
    names.push(name);
  }
  return names.sort();
}
