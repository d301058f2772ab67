import type { Stats } from 'node:fs';
import { BaseCursor } from '../format/base-cursor.ts';
import { BlockWriter, type BlockWriterOptions } from '../format/block-writer.ts';
import { ManifestWriter, type FileRow, type Manifest } from '../format/manifest.ts';
import { readFile, type FindContent, type Place } from './read-file.ts';
import { FileStats } from '../format/stat-cache.ts';
import { KEPT_MODE } from '../../files/paths/tree-entry.ts';
import { reportUnreadable, walkTree, type WalkEntry, type WalkOptions } from './tree-walk.ts';

/** Time after a change until a file's times are sure to show the next one, milliseconds. Some file systems count in seconds. */
const SETTLED = 2000;
/**
 * The same for a final save, which must be exact. A write through mapped memory shows in a file's times only after the kernel
 * has written the page back once; by default that takes half a minute (vm.dirty_expire_centisecs).
 */
const SETTLED_FINAL = 60_000;

export interface Base {
  manifest: Manifest;
  /** Null: no status of the files on this disk is known. */
  stats: FileStats | null;
}

export interface SaveTreeOptions
  extends WalkOptions, Pick<BlockWriterOptions, 'store' | 'owner' | 'budget' | 'pack_bytes'> {
  /** The folder. */
  root: string;
  base: Base | null;
  /** Nothing changes the files any more, so the result must be exact. */
  final: boolean;
  /** Throws `Aborted` if the job was aborted. */
  checkAborted: () => void;
  /** Called with the tree's writer. If the save fails, the caller removes the packs that it has put. */
  onWriter: (writer: BlockWriter) => void;
}

export interface SavedTree {
  /** The caller puts it. All packs that it names are in the storage. */
  manifest: Buffer;
  stats: FileStats;
  /** Files, folders and links. */
  files: number;
  /** Total size of the files; hard links count once. */
  bytes: number;
}

/** Puts a folder's content into packs, except what the base already has. @throws StorageUnavailable */
export async function saveTree(options: SaveTreeOptions): Promise<SavedTree> {
  const saver = new TreeSaver(options);
  for (const found of walkTree(options.root, options)) {
    options.checkAborted();
    if (found.type === 'f') await saver.file(found);
    else saver.other(found);
  }
  return await saver.finish();
}

class TreeSaver {
  readonly #options: SaveTreeOptions;
  readonly #writer: BlockWriter;
  readonly #cursor: BaseCursor | undefined;
  readonly #list = new ManifestWriter();
  readonly #stats = new FileStats();
  /** Files with several hard links, by device and inode. */
  readonly #linked = new Map<string, { stats: Stats; row: FileRow; readAt: number }>();
  #files = 0;
  #bytes = 0;

  constructor(options: SaveTreeOptions) {
    const { base, onWriter } = options;
    this.#options = options;
    this.#writer = new BlockWriter({ ...options, base: base?.manifest.contents ?? null });
    this.#cursor = base === null ? undefined : new BaseCursor(base.manifest);
    onWriter(this.#writer);
  }

  other(found: Exclude<WalkEntry, { type: 'f' }>): void {
    const { path, stats } = found;
    if (found.type === 'd') this.#list.add(['d', path, stats.mode & KEPT_MODE, microseconds(stats)]);
    else this.#list.add(['l', path, microseconds(stats), found.target]);
    this.#files += 1;
  }

  async file({ path, at, stats }: Extract<WalkEntry, { type: 'f' }>): Promise<void> {
    const { base, final, skip } = this.#options;
    const before = this.#cursor?.at(path);
    const row = before?.row[0] === 'f' ? before.row : undefined;
    const other = stats.nlink > 1 ? this.#linked.get(identity(stats)) : undefined;
    if (other !== undefined && isSame(other.stats, stats)) {
      const [, , , , , sha256, start, blocks] = other.row;
      return this.#add(path, stats, other.readAt, sha256, { start, blocks });
    }
    if (before !== undefined && row !== undefined && row[4] === stats.size) {
      const readAt = base?.stats?.unchanged(before.file, stats, final ? SETTLED_FINAL : SETTLED);
      const place = readAt === undefined ? undefined : this.#reuse(row);
      if (readAt !== undefined && place !== undefined) return this.#add(path, stats, readAt, row[5], place);
    }
    if (!this.#writer.hasCapacity) await this.#writer.capacity();
    const findContent: FindContent = (sha256) => {
      // If the base has this path with other content, another path's content rarely matches. Then skip the index.
      const same = row === undefined ? this.#cursor?.withContent(sha256) : row[5] === sha256 ? row : undefined;
      return same === undefined ? undefined : this.#reuse(same);
    };
    const readAt = Date.now();
    try {
      const read = await readFile(at, this.#writer, findContent);
      if (!read.ok) return skip(path, read.why);
      const { stats: readStats, sha256, ...place } = read.content;
      this.#add(path, readStats, readAt, sha256, place);
    } catch (error) {
      reportUnreadable(error, path, skip);
    }
  }

  async finish(): Promise<SavedTree> {
    const stored = await this.#writer.finish();
    const totals = { files: this.#files, bytes: this.#bytes };
    const manifest = this.#list.finish({ ...totals, ...stored });
    return { ...totals, manifest, stats: this.#stats };
  }

  #add(path: string, stats: Stats, readAt: number, sha256: string, { start, blocks }: Place): void {
    const mode = stats.mode & KEPT_MODE;
    const row: FileRow = ['f', path, mode, microseconds(stats), stats.size, sha256, start, blocks, 0];
    const first = stats.nlink > 1 ? this.#linked.get(identity(stats)) : undefined;
    if (stats.nlink > 1) {
      row[8] = first?.row[8] ?? this.#linked.size + 1;
      this.#linked.set(identity(stats), { stats, row, readAt });
    }
    this.#list.add(row);
    this.#stats.add(stats, readAt);
    this.#files += 1;
    if (first === undefined) this.#bytes += stats.size;
  }

  #reuse([, , , , size, , start, blocks]: FileRow): Place | undefined {
    if (!blocks.every((block) => this.#writer.canReuse(block))) return undefined;
    const rows = this.#options.base?.manifest.contents.blocks;
    const length = (block: number) => (blocks.length === 1 ? size : (rows?.[block]?.raw ?? 0));
    return { start, blocks: blocks.map((block) => this.#writer.reuse(block, length(block))) };
  }
}

const identity = ({ dev, ino }: Stats) => `${dev}:${ino}`;

function isSame(a: Stats, b: Stats): boolean {
  return a.size === b.size && a.ctimeMs === b.ctimeMs && a.mtimeMs === b.mtimeMs;
}

const microseconds = ({ mtimeMs }: Stats) => Math.round(mtimeMs * 1000);
