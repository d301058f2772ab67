import { setTimeout as pause } from 'node:timers/promises';
import type { Task } from '@aws-sdk/client-ecs';
import type { Log } from '../../lib/log.ts';
import { backoffMs } from '../../lib/backoff.ts';
import { problemOf } from './task-answer.ts';
import type { TaskApi } from './task-api.ts';

export interface TaskWatchOptions {
  api: Pick<TaskApi, 'describe'>;
  /** Between two looks, milliseconds. */
  everyMs: number;
  /** How long a task that ECS does not know may still be one that it does not know yet, milliseconds. */
  goneAfterMs: number;
  log: Log;
}

interface Watcher {
  arn: string;
  fits: (task: Task) => boolean;
  /** undefined: it is gone. */
  done: (task: Task | undefined) => void;
  failed: (error: unknown) => void;
  /** Since when ECS does not know it. */
  missingSince: number | undefined;
}

/** Looks at all tasks that somebody waits for, with one call for all of them: ECS tells nobody by itself. */
export class TaskWatch {
  readonly #options: TaskWatchOptions;
  readonly #watchers = new Set<Watcher>();
  readonly #closed = new AbortController();
  #looking = false;

  constructor(options: TaskWatchOptions) {
    this.#options = options;
  }

  /**
   * The task once it is so; undefined: it is gone.
   *
   * @throws when the signal ends the wait, or `close`
   */
  async until(arn: string, fits: (task: Task) => boolean, signal?: AbortSignal): Promise<Task | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Task | undefined>();
    const watcher: Watcher = { arn, fits, done: resolve, failed: reject, missingSince: undefined };
    const either = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
    either.throwIfAborted();
    const abort = (): void => reject(either.reason);
    either.addEventListener('abort', abort, { once: true });
    this.#watchers.add(watcher);
    if (!this.#looking) {
      this.#looking = true;
      void this.#look();
    }
    try {
      return await promise;
    } finally {
      this.#watchers.delete(watcher);
      either.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#closed.abort(new Error('the runner detached from its tasks'));
  }

  /** Until nobody waits any more. */
  async #look(): Promise<void> {
    const { api, everyMs, log } = this.#options;
    for (let failures = 0; this.#watchers.size > 0;) {
      const arns = [...new Set([...this.#watchers].map(({ arn }) => arn))];
      try {
        this.#tell(arns, await api.describe(arns));
        failures = 0;
      } catch (error) {
        log.warn('ECS away', { problem: problemOf(error) });
        failures += 1;
      }
      const longer = failures === 0 ? 0 : backoffMs(failures, { minMs: everyMs, maxMs: 30 * everyMs }, Math.random());
      await pause(everyMs + longer, undefined, { ref: false });
    }
    this.#looking = false;
  }

  /** @param arns those that were asked for: others have come since */
  #tell(arns: readonly string[], tasks: ReadonlyMap<string, Task>): void {
    const now = Date.now();
    for (const watcher of this.#watchers) {
      if (!arns.includes(watcher.arn)) continue;
      const task = tasks.get(watcher.arn);
      if (task === undefined) {
        watcher.missingSince ??= now;
        if (now - watcher.missingSince >= this.#options.goneAfterMs) watcher.done(undefined);
      } else {
        watcher.missingSince = undefined;
        if (watcher.fits(task)) watcher.done(task);
      }
    }
  }
}

const PAST_THE_END = new Set(['DEPROVISIONING', 'STOPPED', 'DELETED']);

/** Nothing of it runs any more, and how its containers ended is known. */
export function hasEnded({ lastStatus = '', containers = [] }: Task): boolean {
  return PAST_THE_END.has(lastStatus) && containers.every((container) => container.lastStatus === 'STOPPED');
}
