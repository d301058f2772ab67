import { lchown, lutimes, type FileHandle } from 'node:fs/promises';
import type * as z from 'zod';
import type { FilesRequest, writtenFiles } from '../../../protocol/api/files.ts';
import type { Owner } from '../../backend/backend.ts';
import { Allowance, diskSize } from '../paths/allowance.ts';
import { closing, enter, lookIfThere, openWorkspace, whatItIs, within } from '../paths/safe-path.ts';
import { parseEntryName, parsePath, shown, type ByteName } from '../paths/byte-name.ts';
import { give, makeFolders } from '../paths/make-folders.ts';
import { FilesRefused, refusedBy } from '../paths/refused.ts';
import { tarEntries, type TarEntry } from './tar-entries.ts';
import { discard, place, temporaryFile, temporaryHardLink, temporaryLink, type Temporary } from '../paths/temporary.ts';
import { fill } from './write-file.ts';

/** What a mode may say: nothing that makes a program run as another. */
const MODE = 0o777;
/** A folder's owner can always work in it: else what is in it could not be unpacked. */
const FOLDER_MODE = 0o700;
const BLOCK = 4096;

/**
 * Unpacks a tar archive into a folder, which is made where it is missing. Each entry is written whole or not at all, and replaces
 * what is there but for folders, which are kept. The first entry that cannot be had ends it; what was written before stays.
 */
export async function unpackArchive(
  workspace: string,
  request: Extract<FilesRequest, { op: 'unpack' }>,
  as: Owner | undefined,
  limitMb: number | null,
  body: AsyncIterable<Uint8Array>,
): Promise<z.infer<typeof writtenFiles>> {
  const names = parsePath(request.path);
  const root = await openWorkspace(workspace);
  const { base, allowance } = await closing(root, async () => ({
    allowance: await Allowance.measure(workspace, limitMb),
    base: await makeFolders(root, names, as, []),
  }));
  const unpacking = new Unpacking(base, as, allowance);
  try {
    await tarEntries(body, (entry, content) => unpacking.take(entry, content));
    return { path: request.path, files: unpacking.files, bytes: unpacking.bytes };
  } catch (error) {
    throw unpacking.told(error);
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
  /** The folder of the last entry: most often the next one's too. */
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

  /** The refusal, with what has been done by then. */
  told(error: unknown): unknown {
    if (!(error instanceof FilesRefused)) return error;
    const { code, detail } = error.refusal;
    const so = `Before that, ${this.files} ${this.files === 1 ? 'file' : 'files'} (${this.bytes} bytes) were written and stay.`;
    return new FilesRefused(code, `${detail} ${so}`, { cause: error });
  }

  async take(entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
    const names = namesOf(entry);
    const name = names.at(-1);
    try {
      // The folder that it is unpacked into: it is there, and stays as it is.
      if (name === undefined && entry.type === 'directory') return;
      if (name === undefined) throw invalid(entry, 'it has no name');
      this.#allowance.entry();
      if (entry.type === 'directory') return await this.#folder(names, entry);
      const folder = await this.#enter(names.slice(0, -1));
      const replaced = await lookIfThere(folder, name);
      if (replaced?.isDirectory() === true) throw invalid(entry, 'a folder of this name is there');
      if (replaced !== undefined) this.#allowance.regain(diskSize(replaced));
      await this.#put(folder, name, entry, body);
      this.files += 1;
    } catch (error) {
      const refused = refusedBy(error, shown(names));
      if (
        !(refused instanceof FilesRefused) ||
        ['archive_invalid', 'workspace_full', 'files_unavailable'].includes(refused.refusal.code)
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
    const folder = await this.#enter(names);
    await give(folder, this.#as, (entry.mode & MODE) | FOLDER_MODE);
  }

  async #file(folder: FileHandle, name: ByteName, entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
    const temporary = await temporaryFile(folder);
    try {
      const bytes = await fill(temporary.file, body, this.#allowance);
      await give(temporary.file, this.#as, entry.mode & MODE);
      if (isTime(entry.mtime)) await temporary.file.utimes(entry.mtime, entry.mtime);
      await place(temporary, folder, name);
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
    const path = within(folder, temporary.name);
    const give = async (): Promise<void> => {
      if (this.#as !== undefined) await lchown(path, this.#as.uid, this.#as.gid);
      if (isTime(mtime)) await lutimes(path, mtime, mtime);
    };
    await settle(temporary, folder, name, give);
  }

  /** A hard link's target is an entry's name, not a path beside the link. */
  async #hardLink(folder: FileHandle, name: ByteName, entry: TarEntry): Promise<void> {
    const names = parseEntryName(entry.target);
    const of = typeof names === 'string' ? undefined : names.at(-1);
    if (typeof names === 'string' || of === undefined)
      throw invalid(entry, `it is a hard link to ${shown(entry.target)}, no entry’s name`);
    const from = await this.#enterThere(names.slice(0, -1));
    try {
      const stats = await lookIfThere(from, of);
      if (stats === undefined) throw invalid(entry, `it is a hard link to ${shown(names)}, which is not there`);
      if (!stats.isFile()) throw invalid(entry, `it is a hard link to what is no file: ${await whatItIs(from, names)}`);
      const temporary = await temporaryHardLink(folder, from, of);
      await settle(temporary, folder, name);
    } finally {
      await from.close();
    }
  }

  /** The folder at `names`, made where it is missing; open until another is entered. */
  async #enter(names: ByteName[]): Promise<FileHandle> {
    const path = names.join('/');
    const last = this.#last;
    if (last !== undefined) {
      // The agent may have removed it: then it takes nothing any more.
      if (last.path === path && (await last.folder.stat()).nlink > 0) return last.folder;
      this.#last = undefined;
      await last.folder.close();
    }
    const folder = await makeFolders(this.#base, names, this.#as, []);
    this.#last = { path, folder };
    return folder;
  }

  async #enterThere(names: readonly ByteName[]): Promise<FileHandle> {
    let folder = await makeFolders(this.#base, [], undefined, []);
    for (const name of names) {
      const above = folder;
      folder = await closing(above, () => enter(above, name));
    }
    return folder;
  }
}

/** Gives what was written its name, or removes it. */
async function settle(
  temporary: Temporary,
  folder: FileHandle,
  name: ByteName,
  before?: () => Promise<void>,
): Promise<void> {
  try {
    await before?.();
    await place(temporary, folder, name);
  } finally {
    // Also when it has its name: `rename` does nothing, and says nothing, when both are the same file already.
    await discard(temporary);
  }
}

function namesOf(entry: TarEntry): ByteName[] {
  const names = parseEntryName(entry.name);
  if (typeof names === 'string') throw invalid(entry, names);
  if (!Number.isSafeInteger(entry.size) || entry.size < 0) throw invalid(entry, 'its size is no number of bytes');
  return names;
}

/** Times that file systems hold; others are left as they come. */
function isTime(seconds: number): boolean {
  return Number.isFinite(seconds) && Math.abs(seconds) < 2 ** 33;
}

function invalid(entry: TarEntry, why: string): FilesRefused {
  return new FilesRefused('archive_invalid', `The archive’s entry ${shown(entry.name)} cannot be unpacked: ${why}.`);
}
