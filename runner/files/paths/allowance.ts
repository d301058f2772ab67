import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BigIntStats } from 'node:fs';
import { text } from 'node:stream/consumers';
import { FilesRefused } from './refused.ts';

const MB = 1024 * 1024;
const BLOCK = 4096;
/** What an entry takes beside its bytes. */
const ENTRY = 256;

/** How much may still be written into a workspace: its limit, less what it took when the request came. */
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

  /** An entry is written anew. */
  entry(): void {
    this.spend(ENTRY);
  }

  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    throw new FilesRefused(
      'workspace_full',
      `The workspace would be larger than its limit of ${this.#limitMb} MB. Delete something first.`,
    );
  }

  /** The bytes of a file are whole: it takes whole blocks. */
  round(size: number): void {
    this.spend((BLOCK - (size % BLOCK)) % BLOCK);
  }

  /** Something that takes this many bytes of the disk is replaced. */
  regain(bytes: number): void {
    this.#left += bytes;
  }
}

/** What the workspace takes on the disk, bytes. `du` reads names and sizes alone and follows no link. */
async function usage(workspace: string): Promise<number> {
  const child = spawn('du', ['-skx', workspace], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const kilobytes = Number.parseInt(output, 10);
  if (!Number.isFinite(kilobytes)) throw new Error('du has measured nothing');
  return kilobytes * 1024;
}

/** What a file takes on the disk, bytes: `stat` counts blocks of 512. */
export function diskSize(stats: BigIntStats): number {
  return Number(stats.blocks) * 512;
}
