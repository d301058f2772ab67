import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';
import type { StartResult } from '../backend.ts';
import { startProblem } from './task-end.ts';
import { hasEnded, type TaskWatch } from './task-watch.ts';

/** Carries a session's files between the runner's folders and its task. */
export interface TaskFiles {
  /** What is in the folders is ready for the task. @throws when it cannot be made so */
  load(folders: SessionFolders): Promise<void>;
  /** What the task has written so far is in the folders. @throws when it cannot be had */
  fetch(key: PlacementKey, folders: SessionFolders, signal: AbortSignal): Promise<void>;
  /**
   * The task has ended: what it saved last is in the folders.
   *
   * @returns false: it did not come to save what its session left, or that cannot be unpacked
   */
  unload(folders: SessionFolders): Promise<boolean>;
}

/** Where the tasks of sessions come to the runner: its one address, over TLS. */
export interface TaskDoor {
  /** `host:port` that a task dials. */
  readonly address: string;
  /** The certificate authority that a task trusts, and no other: PEM. */
  readonly ca: string;
  /**
   * From now on the task of this session may come, once, with the token. The same key has the same token, also after the
   * runner's restart.
   */
  expect(key: PlacementKey, folders: SessionFolders): Promise<{ token: string }>;
  /** Only from this address may it come. @returns false: it came from another one, so its token was stolen */
  bind(key: PlacementKey, address: string): boolean;
  /** The session's task is connected. */
  isHere(key: PlacementKey): boolean;
  /** Resolves when the session's task has come, and its sockets lead here. @throws when the signal ends it */
  arrived(key: PlacementKey, signal: AbortSignal): Promise<unknown>;
  /** Its connections end, and its token is void. */
  forget(key: PlacementKey): Promise<void>;
  /** Tasks that have come will come again, to the next process of the runner. */
  close(): Promise<void>;
}

export interface ArrivalOptions {
  door: TaskDoor;
  watch: Pick<TaskWatch, 'until'>;
  key: PlacementKey;
  arn: string;
  /** How long it may take, milliseconds. */
  ms: number;
  signal: AbortSignal;
}

/** Waits until a task runs, and its porter is at the door. @throws when the signal ends the wait, or the watch is closed */
export async function arrival({ door, watch, key, arn, ms, signal }: ArrivalOptions): Promise<StartResult> {
  const late = AbortSignal.timeout(ms);
  const over = new AbortController();
  const either = AbortSignal.any([signal, late, over.signal]);
  const ended = watch.until(arn, hasEnded, either);
  const running = watch.until(arn, ({ lastStatus }) => lastStatus === 'RUNNING', either);
  const here = Promise.all([running, door.arrived(key, either)]).then(() => 'here' as const);
  for (const wait of [ended, here]) wait.catch(() => undefined);
  try {
    const first = await Promise.race([ended, here]);
    // One that has ended already has run too: the backend's `wait` says how it ended.
    if (first === 'here' || first?.startedAt !== undefined) return { ok: true };
    const detail = first === undefined ? 'ECS does not know its task any more.' : startProblem(first).detail;
    return { ok: false, failure: { code: 'container_start_failed', detail } };
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    const detail = `The session’s task did not reach the runner at ${door.address} within ${ms / 1000} s: check PORTER_ADDRESS and the security groups (docs/ecs.md).`;
    return { ok: false, failure: { code: 'container_start_failed', detail } };
  } finally {
    over.abort();
  }
}
