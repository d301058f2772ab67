import type { RunnerFrame } from '../../protocol/link/runner-control.ts';
import type { Log } from '../lib/log.ts';
import { waitAtMost } from '../lib/wait-at-most.ts';
import type { ContainerRuns } from './container-runs.ts';
import { STOP_GRACE_MS } from './container/run/stop-grace.ts';

export interface DrainOptions {
  /** How long turns may go on, milliseconds. */
  timeoutMs: number;
  runs: Pick<ContainerRuns, 'all'>;
  send: (frame: RunnerFrame) => void;
  /** The edge has idle sessions leave, and the others after their turn. One of an earlier version does not. */
  edgeMovesSessions: () => boolean;
  log: Log;
}

/**
 * Takes a runner out of service: no new launches; the edge has the sessions leave as their turns end; what is left when the time is over
 * is ended here.
 */
export class Drain {
  readonly #options: DrainOptions;
  #on = false;
  /** The process is about to end: there is no way back. */
  #final = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** No launches are taken. */
  get on(): boolean {
    return this.#on;
  }

  /** The edge asks for it, or takes it back. The runner stays, and is empty after a while. */
  ask(on: boolean): void {
    if (this.#final) return;
    const isNew = on !== this.#on;
    this.#set(on);
    // After a break it asks again: the time has begun already.
    if (!isNew) return;
    clearTimeout(this.#timer);
    if (on) this.#timer = setTimeout(() => this.#endAll(), this.#options.timeoutMs);
  }

  /** Before the process ends. Resolves when every container was told to end or has ended by itself. */
  async empty(): Promise<void> {
    this.#final = true;
    clearTimeout(this.#timer);
    this.#set(true);
    const { timeoutMs, runs, edgeMovesSessions, log } = this.#options;
    const left = runs.all();
    if (left.length > 0 && timeoutMs > 0 && edgeMovesSessions()) {
      log.info('waiting for running turns', { containers: left.length, seconds: timeoutMs / 1000 });
      await waitAtMost(Promise.all(left.map((run) => run.ended)), timeoutMs);
    }
    this.#endAll();
  }

  /** At once: nothing is waited for. */
  cut(): void {
    this.#final = true;
    this.#on = true;
    clearTimeout(this.#timer);
  }

  #set(on: boolean): void {
    this.#on = on;
    this.#options.send({ kind: 'draining', on });
  }

  #endAll(): void {
    for (const run of this.#options.runs.all()) run.stop('runner_draining', STOP_GRACE_MS);
  }
}
