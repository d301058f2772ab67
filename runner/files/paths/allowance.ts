import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BigIntStats } from 'node:fs';
import { text } from 'node:stream/consumers';
import { FilesRefused } from './refused.ts';

const MB = 1024 * 1024;
const BLOCK = 4096;
/** Counted for an entry besides its content, bytes. */
const ENTRY = 256;

/** How much may still be written to a workspace: its limit minus its size when the request came. */
export class Allowance {
  readonly #limitMb: number | null;
  #left: number;

  private constructor(limitMb: number | null, left: number) {
    this.#limitMb = limitMb;
    this.#left = left;
  }

  static async measure(workspace: string, limitMb: number | null): Promise<Allowance> {
    if (limitMb === null) return new Allowance(null, Infinity);
    return new Allowance(limitMb, limitMb * MB - (await usage(workspace)));
  }

  /** Counts a new entry. */
  entry(): void {
    this.spend(ENTRY);
  }

  /** Counts bytes. @throws FilesRefused if the limit is exceeded */
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    throw new FilesRefused(
      'workspace_full',
      `The workspace would be larger than its limit of ${this.#limitMb} MB. Delete something first.`,
    );
  }

  /** Counts the rest of a complete file's last block. */
  round(size: number): void {
    this.spend((BLOCK - (size % BLOCK)) % BLOCK);
  }

  /** Gives back the disk space of a file that is replaced. */
  release(bytes: number): void {
    this.#left += bytes;
  }
}

/** The workspace's size on disk, bytes. `du` reads only names and sizes, and follows no link. */
async function usage(workspace: string): Promise<number> {
  const child = spawn('du', ['-skx', workspace], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const kilobytes = Number.parseInt(output, 10);
  if (!Number.isFinite(kilobytes)) throw new Error('du has measured nothing');
  return kilobytes * 1024;
}

/** A file's size on disk, bytes. `stat` counts blocks of 512 bytes. */
export function diskSize(stats: BigIntStats): number {
  return Number(stats.blocks) * 512;
}
