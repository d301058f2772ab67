import { setTimeout as pause } from 'node:timers/promises';
import type { FreeSpace, Space } from '../../lib/disk/free-space.ts';
import type { Measure, Usage, WorkspaceLimits } from '../../lib/disk/usage.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import { verdictOf } from './workspace-room.ts';

const MB = 1024 * 1024;
/** A workspace that is over its limit when a container starts may grow by this much, so that the agent can clean it up. */
const LEEWAY: Usage = { bytes: 64 * MB, files: 4096 };
/** From one measurement to the next at least this many times as long as it took, but at most `MAX_REST_MS` milliseconds. */
const REST = 4;
const MAX_REST_MS = 1_000;
/** And after one that found nothing new, because others fill the disk: twice as long each time, milliseconds. */
const FIRST_CALM_MS = 100;
const MAX_CALM_MS = 2_000;
/** Between two tries to resume a container, milliseconds. */
const RESUME_MS = 500;
/** A container that is told to end may write this much more. Then it is ended at once. */
const LAST_WORDS: Usage = { bytes: 32 * MB, files: 4096 };

/** Which limit the files have reached, and what they take of it: megabytes, or files. */
export interface Full {
  limit: 'mb' | 'files';
  used: number;
}

export interface WorkspaceWatchOptions {
  /** The limits apply to their sum. */
  folders: string[];
  limits: WorkspaceLimits;
  space: Pick<FreeSpace, 'now' | 'next'>;
  measure: Measure;
  /** Holds the container's processes where they are, so that they write nothing while they are measured. */
  pause: () => Promise<void>;
  resume: () => Promise<void>;
  /** The folders are over a limit. Called once. `isFlood`: by so much that the container is to be ended at once. */
  onFull: (full: Full, isFlood: boolean) => void;
  /** And what is in the container goes on writing. Called once. */
  onStillWriting: () => void;
  log: Log;
}

/**
 * Keeps a session's files within their limits for as long as its container runs. The kernel does not do that (only a file
 * system quota would, and it needs a file system made for it), and to measure all the time costs too much. But whatever is
 * written makes the file system's free space fall, which is seen at once. So when that has fallen by a good part of what
 * the session may still take, its files are measured; and when it has fallen by so much that they may be near the limit,
 * the container is paused meanwhile.
 */
export class WorkspaceWatch {
  readonly #options: WorkspaceWatchOptions;
  readonly #closed = new AbortController();
  /** Ends the wait for the next look. */
  #stopWaiting: (why: Error) => void = () => {};
  readonly #done: Promise<void>;
  #paused = false;
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
      .finally(resolve)
      .then(() => this.#resume());
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#stopWaiting(new Error('closed'));
    await this.#done;
  }

  async #watch(measured: () => void): Promise<void> {
    const { limits, space, onFull } = this.#options;
    let before = await space.now();
    let used = await this.#usage();
    measured();
    const limit: Usage = {
      bytes: used.bytes > limits.mb * MB ? used.bytes + LEEWAY.bytes : limits.mb * MB,
      files: used.files > limits.files ? used.files + LEEWAY.files : limits.files,
    };
    let measuredAt = performance.now();
    let waitMs = 0;
    let calmMs = 0;
    for (;;) {
      const room = { bytes: limit.bytes - used.bytes, files: limit.files - used.files };
      const now = await this.#next();
      const sinceMs = performance.now() - measuredAt;
      const verdict = verdictOf(room, { before, now, sinceMs });
      if (verdict === 'fine' || sinceMs < waitMs) continue;
      const startedAt = performance.now();
      const earlier = used;
      const fell = before.freeBytes - now.freeBytes;
      if (verdict === 'pause') await this.#pause();
      ({ before, used } = await this.#measure(room));
      measuredAt = performance.now();
      const full = fullOf(used, limit);
      if (full !== undefined) {
        const isFlood = used.bytes > limit.bytes + LAST_WORDS.bytes || used.files > limit.files + LAST_WORDS.files;
        // A flood is ended where it is held.
        if (!isFlood) await this.#resume();
        onFull(full, isFlood);
        return await this.#untilTooMuch(before);
      }
      await this.#resume();
      const grew = used.bytes - earlier.bytes >= fell / 8 || used.files > earlier.files + 100;
      calmMs = grew ? 0 : Math.min(MAX_CALM_MS, Math.max(FIRST_CALM_MS, 2 * calmMs));
      waitMs = calmMs + Math.min(MAX_REST_MS, REST * (measuredAt - startedAt));
    }
  }

  /** What the files take, and the free space from before they were counted. Pauses a container that fills them meanwhile. */
  async #measure(room: Usage): Promise<{ before: Space; used: Usage }> {
    const before = await this.#options.space.now();
    const measuring = this.#usage();
    const ended = measuring.then(() => undefined);
    // When the watch is closed meanwhile, nobody waits for these.
    for (const one of [measuring, ended]) one.catch(() => {});
    while (!this.#paused) {
      const now = await Promise.race([this.#next(), ended]);
      if (now === undefined) break;
      if (verdictOf(room, { before, now, sinceMs: 0 }) !== 'pause') continue;
      await this.#pause();
      // What it wrote where `du` had been already is not counted.
      await measuring;
      return await this.#measure(room);
    }
    return { before, used: await measuring };
  }

  /** The container has been told to end. It gets the time for that, unless it goes on writing. */
  async #untilTooMuch(before: Space): Promise<void> {
    for (;;) {
      const now = await this.#next();
      if (before.freeBytes - now.freeBytes > LAST_WORDS.bytes) break;
      if ((before.freeFiles ?? 0) - (now.freeFiles ?? 0) > LAST_WORDS.files) break;
    }
    this.#options.onStillWriting();
  }

  #usage(): Promise<Usage> {
    return this.#options.measure(this.#options.folders, this.#closed.signal);
  }

  /**
   * Not by `Promise.race` with one promise that says when the watch is closed: that would keep every look of the container's life.
   *
   * @throws when the watch is closed
   */
  #next(): Promise<Space> {
    this.#closed.signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      this.#stopWaiting = reject;
      this.#options.space.next().then(resolve, reject);
    });
  }

  async #pause(): Promise<void> {
    if (this.#paused || this.#closed.signal.aborted) return;
    this.#paused = true;
    try {
      await this.#options.pause();
    } catch (error) {
      // It has ended meanwhile, or the engine is away. It is measured all the same.
      this.#options.log.warn('container not paused', { problem: messageOf(error) });
    }
  }

  /** Repeats the request until the engine answers: a container that stays paused would hang for ever. */
  async #resume(): Promise<void> {
    while (this.#paused) {
      try {
        await this.#options.resume();
        this.#paused = false;
      } catch (error) {
        this.#options.log.warn('container not resumed yet', { problem: messageOf(error) });
        await pause(RESUME_MS, undefined, { ref: false });
      }
    }
  }
}

function fullOf(used: Usage, limit: Usage): Full | undefined {
  if (used.bytes > limit.bytes) return { limit: 'mb', used: Math.ceil(used.bytes / MB) };
  return used.files > limit.files ? { limit: 'files', used: used.files } : undefined;
}
