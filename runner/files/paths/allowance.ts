import type { BigIntStats } from 'node:fs';
import type { Measure, WorkspaceLimits } from '../../lib/disk/usage.ts';
import { FilesRefused } from './refused.ts';

const MB = 1024 * 1024;
const BLOCK = 4096;
/** Counted for an entry besides its content, bytes. */
const ENTRY = 256;

/** What a client may still write is limited by what there is. */
export interface WriteLimits extends WorkspaceLimits {
  measure: Measure;
}

/** How much may still be written to a workspace: its limits minus what it took when the request came. */
export class Allowance {
  readonly #limits: WriteLimits | null;
  #bytes: number;
  #files: number;

  private constructor(limits: WriteLimits | null, bytes: number, files: number) {
    this.#limits = limits;
    this.#bytes = bytes;
    this.#files = files;
  }

  static async measure(workspace: string, limits: WriteLimits | null): Promise<Allowance> {
    if (limits === null) return new Allowance(null, Infinity, Infinity);
    const used = await limits.measure([workspace]);
    return new Allowance(limits, limits.mb * MB - used.bytes, limits.files - used.files);
  }

  /** Counts a new entry. @throws FilesRefused if a limit is exceeded */
  entry(): void {
    this.#files -= 1;
    if (this.#files < 0) throw full(`have more than its limit of ${this.#limits?.files ?? 0} files`);
    this.spend(ENTRY);
  }

  /** Counts bytes. @throws FilesRefused if the limit is exceeded */
  spend(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) throw full(`be larger than its limit of ${this.#limits?.mb ?? 0} MB`);
  }

  /** Counts the rest of a complete file's last block. */
  round(size: number): void {
    this.spend((BLOCK - (size % BLOCK)) % BLOCK);
  }

  /** Gives back what a file takes that is replaced. */
  replace(bytes: number): void {
    this.#bytes += bytes;
    this.#files += 1;
  }
}

function full(how: string): FilesRefused {
  return new FilesRefused('workspace_full', `The workspace would ${how}. Delete something first.`);
}

/** A file's size on disk, bytes. `stat` counts blocks of 512 bytes. */
export function diskSize(stats: BigIntStats): number {
  return Number(stats.blocks) * 512;
}
