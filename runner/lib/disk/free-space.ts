import { statfs } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Between two looks while someone waits for them, milliseconds. A look takes some 50 µs, whatever is on the disk. */
const LOOK_MS = 50;

/** What is left on a file system. */
export interface Space {
  /** Bytes, with those that only root may take. Linux counts data that is still in memory as written. */
  freeBytes: number;
  /** Bytes that everyone may take. */
  availableBytes: number;
  /** Files that can still be made; null: the file system has no number of its own for that. */
  freeFiles: number | null;
}

/** Looks at the file system of one folder, for all who want to know, as often as the one that asks most. */
export class FreeSpace {
  readonly #folder: string;
  readonly #lookMs: number;
  #next: Promise<Space> | undefined;

  constructor(folder: string, lookMs = LOOK_MS) {
    this.#folder = folder;
    this.#lookMs = lookMs;
  }

  async now(): Promise<Space> {
    const { bfree, bavail, bsize, files, ffree } = await statfs(this.#folder);
    return { freeBytes: bfree * bsize, availableBytes: bavail * bsize, freeFiles: files === 0 ? null : ffree };
  }

  /** The next look, some 50 ms from now. All who wait share it, and while nobody waits nothing looks. */
  next(): Promise<Space> {
    this.#next ??= this.#look();
    return this.#next;
  }

  async #look(): Promise<Space> {
    await pause(this.#lookMs, undefined, { ref: false });
    this.#next = undefined;
    return await this.now();
  }
}
