import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync, type Stats } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import type { TreeKind } from '../../../protocol/link/runner-control.ts';
import { codeOf } from '../safe-path-sync.ts';

const SHA256 = 32;
/** Numbers for each file: inode, ctime, mtime, time of reading; times in milliseconds. */
const NUMBERS = 4;

const heading = z.object({
  store: z.string(),
  owner: z.string(),
  snapshot: z.uuid(),
  /** Size of the manifest that follows, bytes. */
  manifest: z.int().min(0),
});

/** The stored tree that a folder was equal to, and the file status by which a change can be noticed. */
export interface StatCache {
  store: string;
  owner: string;
  snapshot: string;
  /** The manifest, as stored. */
  manifest: Buffer;
  /** The status of the manifest's files, in its order. */
  stats: FileStats;
}

/** The status of files at the time when they were read. */
export class FileStats {
  readonly #numbers: number[] | Float64Array;

  constructor(numbers: number[] | Float64Array = []) {
    this.#numbers = numbers;
  }

  /** @param readAt when its content was read, milliseconds; `Infinity`: nobody could change it at that time */
  add(stats: Stats, readAt: number): void {
    this.set(this.#numbers.length / NUMBERS, stats, readAt);
  }

  /** Replaces the status of a file that was added before. */
  set(file: number, stats: Stats, readAt: number): void {
    const at = file * NUMBERS;
    this.#numbers[at] = stats.ino;
    this.#numbers[at + 1] = stats.ctimeMs;
    this.#numbers[at + 2] = stats.mtimeMs;
    this.#numbers[at + 3] = readAt;
  }

  /** The number of files. */
  get size(): number {
    return this.#numbers.length / NUMBERS;
  }

  /**
   * When the file with this index was read, if it has not changed since; undefined: it may have changed.
   *
   * @param settled least time between a change and the reading for the file's times to show the next change, milliseconds
   */
  unchanged(file: number, stats: Stats, settled: number): number | undefined {
    const [inode, ctime = 0, mtime, readAt = 0] = this.#numbers.slice(file * NUMBERS, (file + 1) * NUMBERS);
    const same = stats.ino === inode && stats.ctimeMs === ctime && stats.mtimeMs === mtime;
    return same && Math.abs(readAt - ctime) > settled ? readAt : undefined;
  }

  get bytes(): Buffer {
    const numbers = Float64Array.from(this.#numbers);
    return Buffer.from(numbers.buffer);
  }
}

const fileOf = (folder: string, tree: TreeKind) => path.join(folder, `${tree}.tree`);

/** Reads the cache; null: none, or not a valid one. Then the next snapshot takes longer, and is as correct. */
export function readStatCache(folder: string, tree: TreeKind): StatCache | null {
  let body: Buffer;
  try {
    body = readFileSync(fileOf(folder, tree));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  const end = body.length - SHA256;
  // A crash may have cut it short.
  if (end < 0 || !hash('sha256', body.subarray(0, end), 'buffer').equals(body.subarray(end))) return null;
  const line = body.indexOf('\n');
  const parsed = heading.safeParse(JSON.parse(body.toString('utf8', 0, line)));
  // Another version wrote it.
  if (!parsed.success) return null;
  const { manifest: length, ...rest } = parsed.data;
  const manifest = body.subarray(line + 1, line + 1 + length);
  const numbers = new Uint8Array(body.subarray(line + 1 + length, end));
  return { ...rest, manifest, stats: new FileStats(new Float64Array(numbers.buffer)) };
}

/** Writes the cache. A failing disk is ignored: without the cache, the next snapshot takes longer, and is as correct. */
export function writeStatCache(folder: string, tree: TreeKind, { manifest, stats, ...rest }: StatCache): void {
  const head = { ...rest, manifest: manifest.length } satisfies z.infer<typeof heading>;
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), manifest, stats.bytes]);
  const incomplete = path.join(folder, `${tree}.half`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(incomplete, Buffer.concat([body, hash('sha256', body, 'buffer')]), { mode: 0o600 });
    renameSync(incomplete, fileOf(folder, tree));
  } catch (error) {
    // For example, the disk is full.
    if (codeOf(error) === undefined) throw error;
    rmSync(incomplete, { force: true });
  }
}
