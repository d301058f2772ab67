import { constants, type BigIntStats } from 'node:fs';
import { chmod, lstat, open, opendir, readlink, stat, type FileHandle } from 'node:fs/promises';
import { displayPath, type ByteName } from './byte-name.ts';
import { errnoOf, FilesRefused, refusedBy } from './refused.ts';

/**
 * Safe access to a session's tree. The agent owns everything in it, and may replace a folder by a symlink at any moment. So
 * the kernel never gets a path with more than one of the agent's names: each folder is opened from its parent, without
 * following links, and its entries are addressed as `/proc/self/fd/<folder>/<name>`. Only Linux has that.
 *
 * Node has no `openat`. This is equivalent, as long as the folder stays open until the call has returned.
 */
const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** Linux's own; Node does not name it. */
const O_PATH = 0o10000000;

/** Most entries of one folder: they are sorted in memory. */
const FOLDER_ENTRIES = 250_000;

/** Uses an open file or folder and always closes it. */
export async function withHandle<T>(opened: FileHandle, use: (opened: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** The path of an entry in an open folder. Only for calls that do not follow a link at the path's end. */
export function entryPath(folder: FileHandle, name: ByteName): Buffer {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw new Error('not the name of an entry');
  return Buffer.from(`/proc/self/fd/${folder.fd}/${name}`, 'latin1');
}

/** The path of the open folder itself. */
const folderPath = (folder: FileHandle): string => `/proc/self/fd/${folder.fd}`;

/** Opens the workspace. Its own path is trusted. */
export async function openWorkspace(workspace: string): Promise<FileHandle> {
  if (process.platform !== 'linux')
    throw new FilesRefused('files_unavailable', 'Files can be reached on runners that run on Linux alone.');
  const folder = await open(workspace, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error: unknown) => {
    throw new FilesRefused('files_unavailable', `The workspace could not be opened (${errnoOf(error)}).`, {
      cause: error,
    });
  });
  try {
    const [opened, seen] = [await folder.stat(), await stat(folderPath(folder))];
    if (opened.dev === seen.dev && opened.ino === seen.ino) return folder;
    throw new Error('/proc shows another process');
  } catch (error) {
    await folder.close();
    throw new FilesRefused('files_unavailable', 'The runner has no /proc/self/fd, which it needs for reaching files.', {
      cause: error,
    });
  }
}

/** Opens a folder in a folder. Fails with the kernel's error; ENOTDIR for a symlink too. */
export function openSubfolder(folder: FileHandle, name: ByteName): Promise<FileHandle> {
  return open(entryPath(folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
}

/** The same, and its entries can be reached: a folder that can be read and not searched shows their names alone. */
export async function openSearchable(folder: FileHandle, name: ByteName): Promise<FileHandle> {
  const opened = await openSubfolder(folder, name);
  try {
    await stat(`${folderPath(opened)}/.`);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/**
 * Gives the runner's user all permissions on a folder that it owns and cannot open. It changes what it has found: the folder is
 * opened by its place alone (`O_PATH`), which needs no permission, and a link is not followed.
 */
export async function unlockFolder(folder: FileHandle, name: ByteName): Promise<void> {
  const found = await open(entryPath(folder, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  try {
    const { mode } = await found.stat();
    await chmod(folderPath(found), (mode & 0o7777) | 0o700);
  } finally {
    await found.close();
  }
}

/** Opens the same folder again. */
export function reopen(folder: FileHandle): Promise<FileHandle> {
  return open(folderPath(folder), O_RDONLY | O_DIRECTORY);
}

/** The entry's own status: links are not followed. */
export function lstatEntry(folder: FileHandle, name: ByteName): Promise<BigIntStats> {
  return lstat(entryPath(folder, name), { bigint: true });
}

export async function lstatIfExists(folder: FileHandle, name: ByteName): Promise<BigIntStats | undefined> {
  return await lstatEntry(folder, name).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

export async function linkTarget(folder: FileHandle, name: ByteName): Promise<ByteName> {
  return await readlink(entryPath(folder, name), { encoding: 'latin1' });
}

/** The deepest existing folder of a path. `missing` begins with the first name that does not exist. */
export interface Reached {
  /** The caller closes it. */
  folder: FileHandle;
  missing: ByteName[];
}

/** Opens the deepest existing folder of a path. Refuses a file or symlink on the way. */
export async function openDeepestFolder(workspace: string, names: readonly ByteName[]): Promise<Reached> {
  let folder = await openWorkspace(workspace);
  for (const [index, name] of names.entries()) {
    try {
      const next = await openSubfolder(folder, name);
      await folder.close();
      folder = next;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return { folder, missing: names.slice(index) };
      const refused = await folderError(folder, names.slice(0, index + 1), error);
      await folder.close();
      throw refused;
    }
  }
  return { folder, missing: [] };
}

/** Opens the folder at `names`. The caller closes it. */
export async function openFolderAt(workspace: string, names: readonly ByteName[]): Promise<FileHandle> {
  const { folder, missing } = await openDeepestFolder(workspace, names);
  if (missing.length === 0) return folder;
  await folder.close();
  throw new FilesRefused(
    'file_not_found',
    `${displayPath(names.slice(0, names.length - missing.length + 1))} is not there.`,
  );
}

/** The refusal for a folder that could not be opened: the last of `names`, in `folder`. */
export async function folderError(folder: FileHandle, names: readonly ByteName[], error: unknown): Promise<unknown> {
  const code = errnoOf(error);
  if (code !== 'ENOTDIR' && code !== 'ELOOP') return refusedBy(error, displayPath(names));
  return new FilesRefused('not_a_directory', await describeEntry(folder, names));
}

/** Opens a regular file for reading. Refuses links, pipes and devices. */
export async function openFile(folder: FileHandle, names: readonly ByteName[]): Promise<OpenFile> {
  try {
    // Check before opening too: opening a pipe or a device has effects on its other side.
    if (!(await lstatEntry(folder, names.at(-1) ?? '')).isFile())
      throw new FilesRefused('not_a_file', await describeEntry(folder, names));
    return await openKnownFile(folder, names);
  } catch (error) {
    throw refusedBy(error, displayPath(names));
  }
}

export interface OpenFile {
  /** The caller closes it. */
  file: FileHandle;
  stats: BigIntStats;
}

/** The same, for an entry that was a regular file a moment ago. */
export async function openKnownFile(folder: FileHandle, names: readonly ByteName[]): Promise<OpenFile> {
  try {
    const file = await open(entryPath(folder, names.at(-1) ?? ''), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const stats = await file.stat({ bigint: true });
    if (stats.isFile()) return { file, stats };
    await file.close();
    throw new FilesRefused('not_a_file', await describeEntry(folder, names));
  } catch (error) {
    throw refusedBy(error, displayPath(names));
  }
}

/** A sentence that says what kind of entry this is. */
export async function describeEntry(folder: FileHandle, names: readonly ByteName[]): Promise<string> {
  const name = names.at(-1);
  try {
    if (name === undefined) return `${displayPath(names)} is a folder.`;
    const stats = await lstatEntry(folder, name);
    if (stats.isDirectory()) return `${displayPath(names)} is a folder.`;
    if (stats.isFile()) return `${displayPath(names)} is a file.`;
    if (!stats.isSymbolicLink()) return `${displayPath(names)} is neither a file nor a folder.`;
    const target = displayPath(await linkTarget(folder, name));
    return `${displayPath(names)} is a symlink to ${target}; links are not followed, so ask for what it points to.`;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return `${displayPath(names)} changed while it was looked at.`;
  }
}

/** The names in an open folder, in no order. It reads the folder while it is consumed. */
export async function* namesIn(folder: FileHandle): AsyncGenerator<ByteName> {
  // Node's types declare only UTF-8 here, but every encoding works.
  for await (const entry of await opendir(folderPath(folder), { encoding: 'latin1', bufferSize: 512 }))
    yield entry.name;
}

/** The names in an open folder, sorted by their bytes. */
export async function sortedNames(folder: FileHandle, path: readonly ByteName[] | ByteName): Promise<ByteName[]> {
  const names: ByteName[] = [];
  for await (const name of namesIn(folder)) {
    if (names.length === FOLDER_ENTRIES)
      throw new FilesRefused('files_unavailable', `${displayPath(path)} has more than ${FOLDER_ENTRIES} entries.`);
    names.push(name);
  }
  return names.sort();
}
