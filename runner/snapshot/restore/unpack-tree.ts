import { hash } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Owner } from '../../lib/session-folders.ts';
import { closeAll, createFile, openFolder, entryPath } from '../safe-path-sync.ts';
import type { BlockReader } from '../format/block-reader.ts';
import { BLOCK } from '../format/limits.ts';
import type { DirectoryRow, FileRow, LinkRow, Manifest, Row } from '../format/manifest.ts';
import { FileStats } from '../format/stat-cache.ts';
import { Damaged, KEPT_MODE } from '../../files/paths/tree-entry.ts';

const writeAsync = promisify(write);

export interface UnpackOptions {
  manifest: Manifest;
  blocks: BlockReader;
  /** A folder that must not exist yet. */
  root: string;
  /** The owner of the files; undefined: the runner's own user. */
  as: Owner | undefined;
  /** Throws `Aborted` if the job was aborted. */
  checkAborted: () => void;
}

/** Writes a stored tree into a new folder, and verifies every byte. @throws Damaged, StorageUnavailable */
export async function unpackTree({ manifest, root, ...options }: UnpackOptions): Promise<FileStats> {
  mkdirSync(root, { mode: 0o700 });
  const unpacker = new Unpacker(root, options);
  try {
    for (const rows of manifest.sections()) {
      options.blocks.expect(rows.flatMap((row) => (row[0] === 'f' ? row[7] : [])));
      for (const row of rows) {
        options.checkAborted();
        await unpacker.add(row);
      }
    }
    return unpacker.finish();
  } finally {
    unpacker.close();
  }
}

interface Folder {
  descriptor: number;
  /** Its path with a slash; `''` for the root. */
  prefix: string;
  mode: number;
  /** Microseconds; null: not set. */
  mtime: number | null;
}

/** A file with several hard links: its first path, and the file indexes of all its links so far. */
interface Linked {
  path: string;
  files: number[];
}

class Unpacker {
  readonly #blocks: BlockReader;
  readonly #as: Owner | undefined;
  readonly #umask = process.umask();
  readonly #stats = new FileStats();
  readonly #linked = new Map<number, Linked>();
  /** The open folders from the root to the current one. */
  readonly #open: [Folder, ...Folder[]];

  constructor(root: string, { blocks, as }: Pick<UnpackOptions, 'blocks' | 'as'>) {
    this.#blocks = blocks;
    this.#as = as;
    this.#open = [{ descriptor: openFolder(root), prefix: '', mode: 0o700, mtime: null }];
  }

  async add(row: Row): Promise<void> {
    const { prefix, name } = split(row[1]);
    while (this.#open.length > 1 && this.#open.at(-1)?.prefix !== prefix) this.#closeFolder();
    const folder = this.#open.at(-1);
    if (folder?.prefix !== prefix) throw new Damaged('the list of a snapshot’s files is damaged');
    const at = entryPath(folder.descriptor, name);
    if (row[0] === 'd') this.#openFolder(row, at);
    else if (row[0] === 'l') this.#symlink(row, at);
    else await this.#file(row, at);
  }

  /** Call it after the last row. */
  finish(): FileStats {
    while (this.#open.length > 1) this.#closeFolder();
    this.#complete(this.#open[0]);
    return this.#stats;
  }

  close(): void {
    closeAll(this.#open.map(({ descriptor }) => descriptor));
  }

  #openFolder([, path, mode, mtime]: DirectoryRow, at: string | Buffer): void {
    mkdirSync(at, { mode: 0o700 });
    this.#open.push({ descriptor: openFolder(at), prefix: `${path}/`, mode: mode & KEPT_MODE, mtime });
  }

  #closeFolder(): void {
    const folder = this.#open.pop();
    if (folder === undefined) return;
    this.#complete(folder);
    closeSync(folder.descriptor);
  }

  /** Sets owner, mode and time last, because writing into a folder changes its time. */
  #complete({ descriptor, mode, mtime }: Folder): void {
    if (this.#as !== undefined) fchownSync(descriptor, this.#as.uid, this.#as.gid);
    fchmodSync(descriptor, mode);
    if (mtime !== null) futimesSync(descriptor, seconds(mtime), seconds(mtime));
  }

  #symlink([, , mtime, target]: LinkRow, at: string | Buffer): void {
    symlinkSync(Buffer.from(target, 'latin1'), at);
    if (this.#as !== undefined) lchownSync(at, this.#as.uid, this.#as.gid);
    lutimesSync(at, seconds(mtime), seconds(mtime));
  }

  async #file(row: FileRow, at: string | Buffer): Promise<void> {
    const [, path, mode, mtime, , , , , link] = row;
    const linked = this.#linked.get(link);
    if (linked !== undefined) return this.#hardLink(linked, at);
    const kept = mode & KEPT_MODE;
    const descriptor = createFile(at, kept);
    try {
      await this.#fill(descriptor, row);
      if (this.#as !== undefined) fchownSync(descriptor, this.#as.uid, this.#as.gid);
      if ((kept & ~this.#umask) !== kept) fchmodSync(descriptor, kept);
      futimesSync(descriptor, seconds(mtime), seconds(mtime));
      if (link > 0) this.#linked.set(link, { path, files: [this.#stats.size] });
      // Nobody else can change it yet.
      this.#stats.add(fstatSync(descriptor), Infinity);
    } finally {
      closeSync(descriptor);
    }
  }

  #hardLink(linked: Linked, at: string | Buffer): void {
    const { prefix, name } = split(linked.path);
    const opened: number[] = [];
    try {
      let folder = this.#open[0].descriptor;
      for (const part of prefix.split('/').slice(0, -1)) {
        folder = openFolder(entryPath(folder, part));
        opened.push(folder);
      }
      linkSync(entryPath(folder, name), at);
      const stats = lstatSync(at);
      linked.files.push(this.#stats.size);
      this.#stats.add(stats, Infinity);
      // The new link changes the status of the other links.
      for (const file of linked.files) this.#stats.set(file, stats, Infinity);
    } finally {
      closeAll(opened);
    }
  }

  /** Writes and verifies a file's content. A file in one block is verified by its own hash, others by their blocks' hashes. */
  async #fill(descriptor: number, [, , , , size, sha256, start, blocks]: FileRow): Promise<void> {
    const [only] = blocks;
    if (only !== undefined && blocks.length === 1) {
      const block = this.#blocks.current(only) ?? (await this.#blocks.block(only));
      const content = block.subarray(start, start + size);
      if (content.length !== size || hash('sha256', content, 'base64url') !== sha256)
        throw new Damaged('a file does not have the content that it had');
      writeAll(descriptor, content, 0);
      return;
    }
    let position = 0;
    let written = Promise.resolve();
    try {
      for (const index of blocks) {
        if (!this.#blocks.isHashed(index)) throw new Damaged('the list of a snapshot’s files is damaged');
        const content = await this.#blocks.block(index);
        await written;
        // Do not write zeros, so that holes stay holes.
        if (!isZero(content)) written = writeOnThread(descriptor, content, position);
        position += content.length;
      }
    } finally {
      await written;
    }
    if (position !== size) throw new Damaged('a file does not have the size that it had');
    if (blocks.length > 0) ftruncateSync(descriptor, size);
  }
}

function writeAll(descriptor: number, content: Uint8Array, position: number): void {
  for (let written = 0; written < content.length;)
    written += writeSync(descriptor, content, written, content.length - written, position + written);
}

/** Writes on another thread, so that the next piece can be read at the same time. */
async function writeOnThread(descriptor: number, content: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < content.length;)
    written += (await writeAsync(descriptor, content, written, content.length - written, position + written))
      .bytesWritten;
}

function isZero(content: Uint8Array): boolean {
  return Buffer.compare(content, ZEROS.subarray(0, content.length)) === 0;
}

/** Splits a path. @throws Damaged if its name is not a plain one */
function split(path: string): { prefix: string; name: string } {
  const slash = path.lastIndexOf('/') + 1;
  const name = path.slice(slash);
  if (name === '' || name === '.' || name === '..' || name.includes('\0'))
    throw new Damaged('the list of a snapshot’s files is damaged');
  return { prefix: path.slice(0, slash), name };
}

const seconds = (microseconds: number) => microseconds / 1e6;
const ZEROS = Buffer.alloc(BLOCK);
