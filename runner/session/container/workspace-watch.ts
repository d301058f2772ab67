import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statfs } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../lib/log.ts';

/** Between two looks, milliseconds: at least this, and so long that measuring takes at most a fortieth of a core. */
const LOOK_MS = 2_000;
const MEASURE_SHARE = 40;
/** A look without a reason to measure is skipped, but not for longer than this, milliseconds. */
const UNMEASURED_MS = 60_000;
const MB = 1024 * 1024;
/** A workspace that is over its limit when a container starts may grow by this much: enough to be cleaned up. */
const LEEWAY_MB = 64;

export interface WorkspaceWatchOptions {
  /** What counts together. */
  folders: string[];
  limitMb: number;
  /** It is over its limit; said once. */
  onFull: (usedMb: number) => void;
  log: Log;
  lookMs?: number;
}

/**
 * Measures what a session's folders hold, for as long as its container runs. A limit that is looked at, not one that the
 * kernel keeps: between two looks a container can write more (a single file's size is limited by the kernel). A quota
 * of the file system would keep it exactly, but wants a file system made for it.
 */
export class WorkspaceWatch {
  readonly #options: WorkspaceWatchOptions;
  readonly #closed = new AbortController();
  readonly #done: Promise<void>;
  /** What was there before the container is known, or never will be. */
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
      // The file system has lost nothing since: nor has the workspace grown, but for what others freed meanwhile.
      if (left < free || limit === undefined || performance.now() - measuredAt > UNMEASURED_MS) {
        const begun = performance.now();
        const used = await diskUsage(folders, signal);
        measuredAt = performance.now();
        took = measuredAt - begun;
        limit ??= used > limitMb * MB ? used + LEEWAY_MB * MB : limitMb * MB;
        measured();
        if (used > limit) return onFull(Math.ceil(used / MB));
      }
      free = left;
      const wait = Math.max(this.#options.lookMs ?? LOOK_MS, took * MEASURE_SHARE);
      await pause(wait, undefined, { ref: false, signal });
    }
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bfree, bsize } = await statfs(folder);
  return bfree * bsize;
}

/** What the folders take on the disk, bytes. `du`, because it looks at a hundred thousand files in a tenth of a second. */
async function diskUsage(folders: string[], signal: AbortSignal): Promise<number> {
  const child = spawn('du', ['-skx', ...folders], { signal, stdio: ['ignore', 'pipe', 'ignore'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  // Files that went away while it looked are a matter of its stderr and exit code; the rest has been counted.
  const sizes = output.split('\n').map((line) => Number.parseInt(line, 10));
  return sizes.filter(Number.isFinite).reduce((sum, size) => sum + size, 0) * 1024;
}
