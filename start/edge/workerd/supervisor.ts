import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../../runner/lib/backoff.ts';
import type { Workerd } from './workerd.ts';

/** Waits before workerd is started again, milliseconds. The first time there is none. */
const RESTART = { minMs: 200, maxMs: 5_000 };
/** After it has run this long, its next end counts as the first one; milliseconds. */
const SETTLED_MS = 10_000;

export interface SupervisorOptions {
  /** Starts workerd. @throws when it does not serve */
  readonly start: () => Promise<Workerd>;
  /** Called whenever it has ended. */
  readonly onEnd: () => Promise<void>;
  readonly say: (line: string) => void;
}

/** Keeps a workerd running: when it ends, starts it again, for as long as it takes. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #stopping = new AbortController();
  #running: Workerd | null;
  readonly #done: Promise<void>;

  /** @param first the one that runs */
  constructor(first: Workerd, options: SupervisorOptions) {
    this.#options = options;
    this.#running = first;
    this.#done = this.#supervise(first);
  }

  /** Ends workerd, and starts no other. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#running?.kill();
    await this.#done;
  }

  async #supervise(first: Workerd): Promise<void> {
    const { onEnd, say } = this.#options;
    let failures = 0;
    for (let workerd: Workerd | null = first; workerd !== null; workerd = await this.#startAgain(failures)) {
      const begun = performance.now();
      const how = await workerd.ended;
      this.#running = null;
      await onEnd();
      if (!this.#stopping.signal.aborted) say(`workerd ended (${how}); it is started again`);
      failures = performance.now() - begun > SETTLED_MS ? 0 : failures + 1;
    }
  }

  /** @returns null: it is to be no more */
  async #startAgain(failures: number): Promise<Workerd | null> {
    const { signal } = this.#stopping;
    const { start, say } = this.#options;
    for (let failed = failures; !signal.aborted; failed++) {
      const waitMs = failed === 0 ? 0 : backoffMs(failed - 1, RESTART, Math.random());
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      try {
        this.#running = await start();
        if (signal.aborted) this.#running.kill();
        else say('workerd serves again');
        return this.#running;
      } catch (error) {
        say(`workerd does not start: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return null;
  }
}
