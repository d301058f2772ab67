import { setTimeout as pause } from 'node:timers/promises';
import type { RunnerDisk } from '../../../protocol/link/runner-control.ts';
import { DiskFloor } from '../../lib/disk/disk-floor.ts';
import type { FreeSpace } from '../../lib/disk/free-space.ts';
import type { Measure } from '../../lib/disk/usage.ts';
import type { Log } from '../../lib/log.ts';
import type { ContainerRun } from '../container/container-run.ts';
import { FULL_GRACE_MS } from '../container/run/stop-grace.ts';
import { Growth } from './growth.ts';

const MB = 1024 * 1024;
/** Between two looks, milliseconds; and where little is left, or the disk fills so fast that soon there will be. */
const LOOK_MS = 1_000;
const NEAR_LOOK_MS = 250;
/** Little: as many times the floor, or what is written in so many seconds. */
const NEAR = 2;
const NEAR_SECONDS = 10;
/** Between two measurements of all sessions, milliseconds: at least this, and as many times as long as the last one took. */
const MEASURE_MS = 1_000;
const REST = 10;
/** A container that is told to end may write this much more, bytes. Then it is ended at once. */
const LAST_WORDS = 32 * MB;

type Run = Pick<ContainerRun, 'key' | 'filled' | 'running' | 'stop' | 'released'>;

export interface DiskWatchOptions {
  space: Pick<FreeSpace, 'now'>;
  measure: Measure;
  /** MB; 0: there is none. */
  floorMb: number;
  runs: () => readonly Run[];
  /** The disk has become low, or is so no more, or has notably more or less room. */
  onChange: () => void;
  log: Log;
}

/**
 * Keeps the runner's disk from running full. Below the floor, the pool gives it nothing new, and the session whose files grow
 * fastest is ended: one, then it looks again.
 */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #floor: DiskFloor;
  readonly #growth = new Growth();
  readonly #closed = new AbortController();
  #state: RunnerDisk | undefined;
  #done: Promise<void> | undefined;
  #measuredAt = -Infinity;
  #measureMs = 0;
  /** The session that was told to end, and the free space then. */
  #ending: { run: Run; availableBytes: number } | undefined;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#floor = new DiskFloor(options.floorMb);
  }

  /** How full the disk is; undefined: it was not looked at yet. */
  get state(): RunnerDisk | undefined {
    return this.#state;
  }

  /** Looks for the first time, and from then on by itself. */
  async start(): Promise<void> {
    this.#state = this.#floor.look(await this.#options.space.now());
    if (this.#state.low) this.#options.log.warn('the disk is nearly full', { ...this.#state });
    this.#done = this.#watch();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#done;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closed;
    let before: { at: number; availableBytes: number } | undefined;
    let near = false;
    while (!signal.aborted) {
      try {
        const { availableBytes } = await this.#options.space.now();
        const now = performance.now();
        const fallsBy =
          before === undefined ? 0 : ((before.availableBytes - availableBytes) / (now - before.at)) * 1000;
        const spare = availableBytes - this.#options.floorMb * MB;
        near = spare < (NEAR - 1) * this.#options.floorMb * MB || spare < fallsBy * NEAR_SECONDS;
        before = { at: now, availableBytes };
        await this.#look(availableBytes, near);
      } catch (error) {
        if (!signal.aborted) this.#options.log.error('the disk is not looked at', { error });
      }
      await pause(near ? NEAR_LOOK_MS : LOOK_MS, undefined, { ref: false, signal }).catch(() => {});
    }
  }

  async #look(availableBytes: number, near: boolean): Promise<void> {
    const { onChange, log } = this.#options;
    const last = this.#state;
    const state = this.#floor.look({ availableBytes });
    if (last === undefined || last.low !== state.low || differs(last.free_mb, state.free_mb)) {
      this.#state = state;
      if (last?.low !== state.low)
        log[state.low ? 'warn' : 'info'](state.low ? 'the disk is nearly full' : 'the disk has room again', {
          free_mb: state.free_mb,
          floor_mb: this.#options.floorMb,
        });
      onChange();
    }
    if (this.#options.floorMb === 0) return;
    const runs = this.#options.runs().filter((run) => run.running);
    await this.#measure(runs, near || state.low);
    if (!state.low) return;
    if (this.#ending !== undefined) {
      if (this.#ending.availableBytes - availableBytes > LAST_WORDS) this.#ending.run.stop('disk_low', 0);
      return;
    }
    const fastest = this.#growth.fastest();
    const run = runs.find(({ key }) => key.session_id === fastest);
    if (run === undefined) return;
    log.warn('the session whose files grow fastest is ended: the disk is nearly full', { ...run.key });
    this.#ending = { run, availableBytes };
    run.stop('disk_low', FULL_GRACE_MS);
    void run.released.then(() => (this.#ending = undefined));
  }

  /** Measures the sessions' files: of new ones once, of all of them while the disk is nearly full. */
  async #measure(runs: readonly Run[], all: boolean): Promise<void> {
    this.#growth.keep(new Set(runs.map(({ key }) => key.session_id)));
    const now = performance.now();
    const due = all && now - this.#measuredAt > Math.max(MEASURE_MS, REST * this.#measureMs);
    const wanted = runs.filter(({ key }) => due || !this.#growth.has(key.session_id));
    for (const { key, filled } of wanted) {
      const used = await this.#options.measure(filled, this.#closed.signal).catch((error: unknown) => {
        this.#options.log.debug('files not measured', { session: key.session_id, error });
      });
      // Its folders went with its end.
      if (used !== undefined) this.#growth.add(key.session_id, used.bytes, performance.now());
    }
    if (!due) return;
    this.#measuredAt = performance.now();
    this.#measureMs = this.#measuredAt - now;
  }
}

/** Whether people would call it another number. */
function differs(one: number, other: number): boolean {
  return Math.abs(one - other) > 0.1 * Math.max(one, 1);
}
