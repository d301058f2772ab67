import { setTimeout as pause } from 'node:timers/promises';
import type { Task } from '@aws-sdk/client-ecs';
import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import { backoffMs, type BackoffRange } from '../../lib/backoff.ts';
import type { Log } from '../../lib/log.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';
import type { StartFailure, StartOptions } from '../backend.ts';
import type { TaskApi } from './task-api.ts';
import { startProblem } from './task-end.ts';
import { readTaskRecord, writeTaskRecord } from './task-record.ts';
import { taskRequest, waysToAsk, type EcsSettings } from './task-request.ts';
import { hasEnded, type TaskWatch } from './task-watch.ts';

export interface TaskPlacerOptions {
  api: TaskApi;
  watch: TaskWatch;
  settings: EcsSettings;
  runnerId: string;
  /** How long a session waits for room, milliseconds. */
  roomMs: number;
  /** Between two tries. */
  backoff: BackoffRange;
  log: Log;
}

export interface Wanted extends StartOptions {
  key: PlacementKey;
  folders: SessionFolders;
  resources: Resources;
  /** For the porter alone. */
  porter: Readonly<Record<string, string>>;
  /** ECS has made this task of it. May be called again with another one, when that one got no room. */
  onAccepted: (arn: string) => void;
}

export type Placed = { ok: true; arn: string; task: Task } | { ok: false; failure: StartFailure };

/**
 * Gets a session's task from ECS: asks again when nobody knows whether it was heard, asks elsewhere when there is no room, and
 * says so all the while. Whatever happens, what was accepted is known, and is one task.
 */
export class TaskPlacer {
  readonly #options: TaskPlacerOptions;

  constructor(options: TaskPlacerOptions) {
    this.#options = options;
  }

  /** Resolves when the task has its network card, or there is none. @throws when the signal ends it */
  async place(wanted: Wanted): Promise<Placed> {
    const { api, settings, runnerId, roomMs, log } = this.#options;
    const { key, folders, signal } = wanted;
    const known = await readTaskRecord(folders);
    let attempt = known?.epoch === key.epoch ? known.attempt : 0;
    let why = 'ECS gave no answer';
    const end = Date.now() + roomMs;
    for (let tries = 0; Date.now() < end; tries += 1) {
      signal.throwIfAborted();
      const request = taskRequest(settings, { ...wanted, runnerId, attempt });
      if (typeof request === 'string') return failed('container_start_failed', request);
      await writeTaskRecord(folders, { epoch: key.epoch, attempt, arn: null });
      const answer = await api.run(request);
      if (answer.is === 'refused')
        return failed('container_start_failed', `ECS did not take the session’s task: ${answer.why}`);
      if (answer.is === 'accepted') {
        await writeTaskRecord(folders, { epoch: key.epoch, attempt, arn: answer.arn });
        wanted.onAccepted(answer.arn);
        const placed = await this.#attached(answer.arn, signal);
        if (placed.ok || placed.failure.code !== 'no_capacity') return placed;
        why = placed.failure.detail;
      } else {
        why = answer.why;
      }
      log.info('no task yet', { ...key, why });
      wanted.onWaiting(waiting(why, roomMs));
      // What may have been heard is asked for again as it was: it is the same task then.
      if (answer.is !== 'again') attempt += 1;
      // Each way to ask is tried once before it waits longer.
      await this.#pause(answer.is === 'again' ? tries : Math.floor(tries / waysToAsk(settings)), signal);
    }
    const detail = `ECS had no room for the session within ${Math.round(roomMs / 1000)} s: ${why}\nThe next message tries again.`;
    return failed('no_capacity', detail);
  }

  /** Waits until it has its card, so that its address is known. */
  async #attached(arn: string, signal: AbortSignal): Promise<Placed> {
    const { watch } = this.#options;
    const task = await watch.until(arn, (one) => addressOf(one) !== undefined || hasEnded(one), signal);
    if (task === undefined) return failed('container_start_failed', 'ECS does not know the session’s task any more.');
    if (!hasEnded(task)) return { ok: true, arn, task };
    const { noRoom, detail } = startProblem(task);
    return failed(noRoom ? 'no_capacity' : 'container_start_failed', detail);
  }

  async #pause(attempt: number, signal: AbortSignal): Promise<void> {
    const { backoff } = this.#options;
    // At least half of it: the sessions of a runner do not ask all at once, and none asks without end.
    await pause(backoffMs(attempt, backoff, 0.5 + Math.random() / 2), undefined, { signal });
  }
}

const failed = (code: StartFailure['code'], detail: string): Placed => ({ ok: false, failure: { code, detail } });

function waiting(why: string, roomMs: number) {
  const detail = `ECS has no room for the session yet, and is asked again for up to ${Math.round(roomMs / 1000)} s: ${why}`;
  return { code: 'no_capacity', detail: detail.slice(0, 8192) } as const;
}

/** The private address of a task's card; undefined: it has none yet. */
export function addressOf({ attachments = [] }: Task): string | undefined {
  return attachments.flatMap(({ details = [] }) => details).find(({ name }) => name === 'privateIPv4Address')?.value;
}
