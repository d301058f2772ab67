import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statfs } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../lib/log.ts';

/** Between two checks, milliseconds: at least this, and so long that measuring takes at most a fortieth of a core. */
const CHECK_MS = 2_000;
const MEASURE_SHARE = 40;
/** A check measures only when the disk has become fuller, or after this time, milliseconds. */
const UNMEASURED_MS = 60_000;
const MB = 1024 * 1024;
/** A workspace that is over its limit when a container starts may grow by this much, so that the agent can clean it up. */
const LEEWAY_MB = 64;

export interface WorkspaceWatchOptions {
  /** The limit applies to their sum. */
  folders: string[];
  limitMb: number;
  /** The folders are over the limit. Called once. */
  onFull: (usedMb: number) => void;
  log: Log;
  checkMs?: number;
}

/**
 * Measures a session's folders for as long as its container runs. The kernel does not enforce this limit: between two checks
 * a container can write more (the kernel limits only the size of a single file). A file system quota would be exact, but
 * needs a file system made for it.
 */
export class WorkspaceWatch {
  readonly #options: WorkspaceWatchOptions;
  readonly #closed = new AbortController();
  readonly #done: Promise<void>;
  /** Resolves when the folders were measured for the first time, or never will be. */
  readonly measured: Promise<void>;

  constructor(options: WorkspaceWatchOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.measured = promise;
    this.#done = this.#watch(resolve)
      .catch((error: unknown) => {
        if (!this.#closed.signal.aborted) options.log.error('the workspace is not measured any more', { error });
      })
      .finally(resolve);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#done;
  }

  async #watch(measured: () => void): Promise<void> {
    const { folders, limitMb, onFull } = this.#options;
    const { signal } = this.#closed;
    let limit: number | undefined;
    let free = -1;
    let measuredAt = 0;
    let took = 0;
    for (;;) {
      const left = await freeBytes(folders[0] ?? '/');
      // While the file system has no less room than before, the workspace has hardly grown. (Others may have freed some.)
      if (left < free || limit === undefined || performance.now() - measuredAt > UNMEASURED_MS) {
        const startedAt = performance.now();
        const used = await diskUsage(folders, signal);
        measuredAt = performance.now();
        took = measuredAt - startedAt;
        limit ??= used > limitMb * MB ? used + LEEWAY_MB * MB : limitMb * MB;
        measured();
        if (used > limit) return onFull(Math.ceil(used / MB));
      }
      free = left;
      const wait = Math.max(this.#options.checkMs ?? CHECK_MS, took * MEASURE_SHARE);
      await pause(wait, undefined, { ref: false, signal });
    }
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bfree, bsize } = await statfs(folder);
  return bfree * bsize;
}

/** The folders' size on the disk, bytes. It runs `du`, which looks at a hundred thousand files in a tenth of a second. */
async function diskUsage(folders: string[], signal: AbortSignal): Promise<number> {
  const child = spawn('du', ['-skx', ...folders], { signal, stdio: ['ignore', 'pipe', 'ignore'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  // For files that were removed while it ran, `du` writes to stderr and exits with 1. It has counted the rest.
  const sizes = output.split('\n').map((line) => Number.parseInt(line, 10));
  return sizes.filter(Number.isFinite).reduce((sum, size) => sum + size, 0) * 1024;
}
