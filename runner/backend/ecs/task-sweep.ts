import type { Log } from '../../lib/log.ts';
import type { TaskApi } from './task-api.ts';
import { problemOf } from './task-answer.ts';
import { keyOfTask, startedBy } from './task-request.ts';
import { placementName } from '../../lib/placement-name.ts';

export interface TaskSweepOptions {
  api: Pick<TaskApi, 'list' | 'describe' | 'stop'>;
  runnerId: string;
  /** Between two looks, milliseconds. */
  everyMs: number;
  /** The runner's tasks by the names of their placements; null: it is being asked for. */
  tasks: ReadonlyMap<string, string | null>;
  log: Log;
}

/** Stops tasks of this runner that it does not know: accepted by ECS in a call whose answer never came, and given up since. */
export class TaskSweep {
  readonly #options: TaskSweepOptions;
  #timer: NodeJS.Timeout | undefined;
  #sweeping = false;

  constructor(options: TaskSweepOptions) {
    this.#options = options;
  }

  /** From now on: what an earlier process of the runner left is known. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#sweep(), this.#options.everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      await this.#stopUnknown();
    } catch (error) {
      this.#options.log.warn('tasks not swept', { problem: problemOf(error) });
    } finally {
      this.#sweeping = false;
    }
  }

  async #stopUnknown(): Promise<void> {
    const { api, runnerId, tasks, log } = this.#options;
    const listed = await api.list(startedBy(runnerId));
    const strangers = listed.filter((arn) => ![...tasks.values()].includes(arn));
    if (strangers.length === 0) return;
    const described = await api.describe(strangers);
    for (const [arn, task] of described) {
      const key = keyOfTask(task);
      // Its answer may be on the way. Looked up only now: that may have changed meanwhile.
      const known = key === undefined ? undefined : tasks.get(placementName(key));
      if (known === null || known === arn) continue;
      log.warn('a task that no session knows is stopped', { arn, ...key });
      await api.stop(arn, 'No session knows this task.');
    }
  }
}
