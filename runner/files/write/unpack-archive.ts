import { lchown, lutimes, type FileHandle } from 'node:fs/promises';
import type * as z from 'zod';
import type { FilesRequest, writtenFiles } from '../../../protocol/api/files/files.ts';
import type { Owner } from '../../lib/session-folders.ts';
import { Allowance, diskSize, type WriteLimits } from '../paths/allowance.ts';
import {
  withHandle,
  openSubfolder,
  lstatIfExists,
  openWorkspace,
  describeEntry,
  entryPath,
} from '../paths/safe-path.ts';
import { parseEntryName, parsePath, displayPath, type ByteName } from '../paths/byte-name.ts';
import { setOwnerAndMode, makeFolders } from '../paths/make-folders.ts';
import { FilesRefused, refusedBy } from '../paths/refused.ts';
import { plainTar } from './decompress.ts';
import { tarEntries, type TarEntry } from './tar-entries.ts';
import {
  discard,
  moveIntoPlace,
  temporaryFile,
  temporaryHardLink,
  temporaryLink,
  type Temporary,
} from '../paths/temporary.ts';
import { writeBody } from './write-file.ts';

/** Permitted mode bits: not setuid or setgid. */
const MODE = 0o777;
/** A folder's owner always has full access. Otherwise its content could not be unpacked. */
const FOLDER_MODE = 0o700;
const BLOCK = 4096;

/**
 * Unpacks a tar archive, also a `.tar.gz`, into a folder, which is made if it is missing. Each entry is written completely or not at all. It
 * replaces what exists, except folders, which stay. The first invalid entry ends it; earlier entries stay.
 */
export async function unpackArchive(
  workspace: string,
  request: Extract<FilesRequest, { op: 'unpack' }>,
  as: Owner | undefined,
  limits: WriteLimits | null,
  body: AsyncIterable<Uint8Array>,
): Promise<z.infer<typeof writtenFiles>> {
  const names = parsePath(request.path);
  const root = await openWorkspace(workspace);
  const { base, allowance } = await withHandle(root, async () => ({
    allowance: await Allowance.measure(workspace, limits),
    base: await makeFolders(root, names, as, []),
  }));
  const unpacking = new Unpacking(base, as, allowance);
  try {
    await tarEntries(plainTar(body), (entry, content) => unpacking.add(entry, content));
    return { path: request.path, files: unpacking.files, bytes: unpacking.bytes };
  } catch (error) {
    throw unpacking.withProgress(error);
  } finally {
    await unpacking.close();
  }
}

class Unpacking {
  files = 0;
  bytes = 0;
  readonly #base: FileHandle;
  readonly #as: Owner | undefined;
  readonly #allowance: Allowance;
  /** The folder of the last entry. Usually the next entry is in it too. */
  #last: { path: ByteName; folder: FileHandle } | undefined;

  constructor(base: FileHandle, as: Owner | undefined, allowance: Allowance) {
    this.#base = base;
    this.#as = as;
    this.#allowance = allowance;
  }

  async close(): Promise<void> {
    await this.#last?.folder.close();
    await this.#base.close();
  }

  /** Adds to a refusal what was written before it. */
  withProgress(error: unknown): unknown {
    if (!(error instanceof FilesRefused)) return error;
    const { code, detail } = error.refusal;
    const progress = `Before that, ${this.files} ${this.files === 1 ? 'file' : 'files'} (${this.bytes} bytes) were written and stay.`;
    return new FilesRefused(code, `${detail} ${progress}`, { cause: error });
  }

  async add(entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
    const names = namesOf(entry);
    const name = names.at(-1);
    try {
      // The target folder itself: it exists and does not change.
      if (name === undefined && entry.type === 'directory') return;
      if (name === undefined) throw invalid(entry, 'it has no name');
      this.#allowance.entry();
      if (entry.type === 'directory') return await this.#folder(names, entry);
      const folder = await this.#openOrMake(names.slice(0, -1));
      const replaced = await lstatIfExists(folder, name);
      if (replaced?.isDirectory() === true) throw invalid(entry, 'a folder of this name is there');
      if (replaced !== undefined) this.#allowance.replace(diskSize(replaced));
      await this.#put(folder, name, entry, body);
      this.files += 1;
    } catch (error) {
      const refused = refusedBy(error, displayPath(names));
      if (
        !(refused instanceof FilesRefused) ||
        ['archive_invalid', 'workspace_full', 'files_unavailable', 'file_access_denied'].includes(refused.refusal.code)
      )
        throw refused;
      throw invalid(entry, refused.refusal.detail.replace(/\.$/, ''));
    }
  }

  async #put(folder: FileHandle, name: ByteName, entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { type } = entry;
    if (type === 'file' || type === 'contiguous-file') return await this.#file(folder, name, entry, body);
    if (type === 'symlink') return await this.#symlink(folder, name, entry);
    if (type === 'link') return await this.#hardLink(folder, name, entry);
    throw invalid(entry, `it is a ${type ?? 'thing that is not known'}, not a file, folder or link`);
  }

  async #folder(names: ByteName[], entry: TarEntry): Promise<void> {
    this.#allowance.spend(BLOCK);
    const folder = await this.#openOrMake(names);
    await setOwnerAndMode(folder, this.#as, (entry.mode & MODE) | FOLDER_MODE);
  }

  async #file(folder: FileHandle, name: ByteName, entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
    const temporary = await temporaryFile(folder);
    try {
      const bytes = await writeBody(temporary.file, body, this.#allowance);
      await setOwnerAndMode(temporary.file, this.#as, entry.mode & MODE);
      if (isTime(entry.mtime)) await temporary.file.utimes(entry.mtime, entry.mtime);
      await moveIntoPlace(temporary, folder, name);
      this.bytes += bytes;
    } catch (error) {
      await discard(temporary);
      throw error;
    } finally {
      await temporary.file.close();
    }
  }

  async #symlink(folder: FileHandle, name: ByteName, entry: TarEntry): Promise<void> {
    const { target, mtime } = entry;
    if (target === '' || target.includes('\0')) throw invalid(entry, 'it is a symlink to nothing');
    const temporary = await temporaryLink(folder, target);
    const path = entryPath(folder, temporary.name);
    const setOwnerAndTime = async (): Promise<void> => {
      if (this.#as !== undefined) await lchown(path, this.#as.uid, this.#as.gid);
      if (isTime(mtime)) await lutimes(path, mtime, mtime);
    };
    await settle(temporary, folder, name, setOwnerAndTime);
  }

  /** A hard link's target is the name of an entry, not a path relative to the link. */
  async #hardLink(folder: FileHandle, name: ByteName, entry: TarEntry): Promise<void> {
    const names = parseEntryName(entry.target);
    const of = typeof names === 'string' ? undefined : names.at(-1);
    if (typeof names === 'string' || of === undefined)
      throw invalid(entry, `it is a hard link to ${displayPath(entry.target)}, no entry’s name`);
    const from = await this.#openExisting(names.slice(0, -1));
    try {
      const stats = await lstatIfExists(from, of);
      if (stats === undefined) throw invalid(entry, `it is a hard link to ${displayPath(names)}, which is not there`);
      if (!stats.isFile())
        throw invalid(entry, `it is a hard link to what is no file: ${await describeEntry(from, names)}`);
      const temporary = await temporaryHardLink(folder, from, of);
      await settle(temporary, folder, name);
    } finally {
      await from.close();
    }
  }

  /** Opens the folder at `names` and makes it if missing. It stays open until the next call with other names. */
  async #openOrMake(names: ByteName[]): Promise<FileHandle> {
    const path = names.join('/');
    const last = this.#last;
    if (last !== undefined) {
      // The agent may have removed it. A removed folder accepts no entries.
      if (last.path === path && (await last.folder.stat()).nlink > 0) return last.folder;
      this.#last = undefined;
      await last.folder.close();
    }
    const folder = await makeFolders(this.#base, names, this.#as, []);
    this.#last = { path, folder };
    return folder;
  }

  async #openExisting(names: readonly ByteName[]): Promise<FileHandle> {
    let folder = await makeFolders(this.#base, [], undefined, []);
    for (const name of names) {
      const above = folder;
      folder = await withHandle(above, () => openSubfolder(above, name));
    }
    return folder;
  }
}

/** Moves a temporary entry to its final name, or removes it. */
async function settle(
  temporary: Temporary,
  folder: FileHandle,
  name: ByteName,
  before?: () => Promise<void>,
): Promise<void> {
  try {
    await before?.();
    await moveIntoPlace(temporary, folder, name);
  } finally {
    // Also after a rename: if both names are the same file already, `rename` does nothing and reports no error.
    await discard(temporary);
  }
}

function namesOf(entry: TarEntry): ByteName[] {
  const names = parseEntryName(entry.name);
  if (typeof names === 'string') throw invalid(entry, names);
  if (!Number.isSafeInteger(entry.size) || entry.size < 0) throw invalid(entry, 'its size is no number of bytes');
  return names;
}

/** Whether file systems can store this time. Other times are not set. */
function isTime(seconds: number): boolean {
  return Number.isFinite(seconds) && Math.abs(seconds) < 2 ** 33;
}

function invalid(entry: TarEntry, why: string): FilesRefused {
  return new FilesRefused(
    'archive_invalid',
    `The archive’s entry ${displayPath(entry.name)} cannot be unpacked: ${why}.`,
  );
}
