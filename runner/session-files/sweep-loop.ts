import type { RunnerFrame, TreeName } from '../../protocol/link/runner-control.ts';
import type { Log } from '../lib/log.ts';
import type { Snapshots } from '../snapshot/snapshots.ts';

/** The edge may not know of a younger tree yet: its runner may have lost the connection since. Milliseconds. */
const YOUNG_MS = 7 * 86_400_000;
/** The most trees in one frame. */
const BATCH = 1000;
const FIRST_MS = 5 * 60_000;

export interface SweepLoopOptions {
  snapshots: Pick<Snapshots, 'owners' | 'trees' | 'sweep'>;
  /** Between two sweeps, milliseconds; 0: no sweeps. */
  everyMs: number;
  /** Asks the pool; false: there is no connection. */
  ask: (frame: Extract<RunnerFrame, { kind: 'sweep' }>) => boolean;
  /** Snapshots that the edge may not know of yet. */
  unacknowledged: () => Promise<ReadonlySet<string>>;
  /** Other work, done before each sweep. */
  also: () => Promise<void>;
  log: Log;
  firstMs?: number;
}

/**
 * Sweeps the storage for data that nothing refers to. Only the edge knows which trees are in use: it is asked, and later
 * answers with `drop`. The storage's own sweep then removes what the dropped trees leave behind.
 */
export class SweepLoop {
  readonly #options: SweepLoopOptions;
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweepLoopOptions) {
    this.#options = options;
    const { everyMs, firstMs = FIRST_MS } = options;
    if (everyMs > 0) this.#in(Math.min(firstMs, everyMs));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  #in(ms: number): void {
    if (this.#closed.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#sweeping = this.#sweep()
        .catch((error: unknown) => this.#options.log.warn('the storage was not swept', { error }))
        .finally(() => this.#in(this.#options.everyMs));
    }, ms).unref();
  }

  async #sweep(): Promise<void> {
    const { snapshots, also, unacknowledged } = this.#options;
    await also();
    const own = await unacknowledged();
    for await (const owner of snapshots.owners()) {
      let batch: TreeName[] = [];
      for await (const { snapshot_id, tree, modified } of snapshots.trees(owner)) {
        if (this.#closed.signal.aborted) return;
        if (Date.now() - modified < YOUNG_MS || own.has(snapshot_id)) continue;
        batch.push({ snapshot_id, tree });
        if (batch.length < BATCH) continue;
        this.#options.ask({ kind: 'sweep', owner, trees: batch });
        batch = [];
      }
      if (batch.length > 0) this.#options.ask({ kind: 'sweep', owner, trees: batch });
      if (this.#closed.signal.aborted) return;
      await snapshots.sweep(owner);
    }
  }
}
