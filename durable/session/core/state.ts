import type { Reason } from '../../../protocol/reason.ts';
import type { TurnPermit } from '../../shared/turn-permit.ts';
import type { SessionStatus } from '../../../protocol/api/session/session.ts';

/** How long each phase may take, milliseconds. */
export interface Limits {
  /** From the launch until `claude` is ready. While a clone is due, its time is included. */
  readonly startup: number;
  /** Without a turn and without background work, until the container is ended. */
  readonly idle: number;
  /** With background work and without a turn, until the container is ended. */
  readonly background: number;
  /** The same, while other sessions wait for a place. */
  readonly crowded: number;
  /** Without a key from whoever has a terminal of the container, until that no longer keeps it. */
  readonly attended: number;
  /** Longest life of a container. */
  readonly lifetime: number;
  /** A turn whose message sets no timeout. */
  readonly turn: number;
  /** From the interrupt of a turn to its end. */
  readonly interrupt: number;
  /** Waits before a container that ended before `claude` was ready is requested again. After the last, its messages fail. */
  readonly retries: readonly number[];
  /** A message whose turn ended by a usage limit, until that is reset. 0: such a message fails at once. */
  readonly hold: number;
}

/** A message in the queue. Its text is stored elsewhere. */
export interface PendingMessage {
  readonly message_id: string;
  /** When it fails with `turn_timeout`, epoch milliseconds; null: it sets no timeout, and waits without a limit. */
  readonly deadline: number | null;
}

/** The time of a turn, and how it is being ended. */
export interface TurnClock {
  /** Epoch milliseconds. */
  readonly deadline: number;
  /** The deadline is the message's own: time spent waiting for a person does not extend it. */
  readonly own_deadline: boolean;
  /**
   * Since when its turn waits for a person, epoch milliseconds. This time extends the default deadline. Null: it does
   * not wait.
   */
  readonly paused: number | null;
  /** Why its turn is being ended, and since when (epoch milliseconds); null: it is not being ended. */
  readonly interrupting: { readonly cause: InterruptCause; readonly since: number } | null;
}

/** A message that `claude` was given and that has not ended. */
export interface HandedMessage {
  readonly message_id: string;
  /** When its own timeout ends, epoch milliseconds; null: it sets none. */
  readonly timeout: number | null;
  /** `claude` says that it is done with it. Its `result` may still follow: it then belongs to the turn that is running. */
  readonly done: boolean;
}

/**
 * The message whose turn the session has begun. It always has a deadline: its own, or the default, counted from the start of
 * its turn.
 */
export interface RunningMessage extends HandedMessage, TurnClock {}

/** A turn that `claude` has begun itself, because a task in the background has ended or has something to say. */
export interface AgentTurn extends TurnClock {
  readonly turn_id: string;
  /** Epoch milliseconds. */
  readonly started: number;
}

/** Work that `claude` has left running in the background. */
export interface OpenTask {
  readonly task_id: string;
  readonly run_id: string;
  /** `shell`: it may run for ever, such as a server. `agent`: it will report what it found. */
  readonly kind: 'agent' | 'shell';
  readonly description: string;
  /** When the session first heard of it, epoch milliseconds. */
  readonly started: number;
  /** The message that led to it; null: none did. */
  readonly message_id: string | null;
}

/** A terminal that a person has opened in the container, or a command that they run there. */
export interface OpenTerminal {
  readonly terminal_id: string;
  /** By name. */
  readonly by: string;
  /** One command, and not a shell. */
  readonly command: boolean;
  readonly tty: boolean;
  /** Epoch milliseconds. */
  readonly opened: number;
}

/** A task that has ended, and of which `claude` has not spoken yet. */
type DueReport = Pick<OpenTask, 'run_id' | 'kind' | 'message_id'>;

/** The phase of a session's container, as far as the session knows. */
type ContainerPhase = 'none' | 'wanted' | 'launched' | 'ready' | 'ending';

/** Everything that decides what a session does next. Plain data; each change stores all of it. */
export interface SessionState {
  readonly status: SessionStatus;
  readonly reason: Reason | null;
  readonly epoch: number;
  readonly container: ContainerPhase;
  /**
   * Whether `claude` was ever ready in this epoch. If it never was, the launch is not repeated by itself: its messages
   * fail.
   */
  readonly was_ready: boolean;
  /** Why `claude` ended by itself in this epoch; it explains the container's end. Null: it did not. */
  readonly exit: Reason | null;
  /** How often in a row a container has ended before its `claude` was ready, with messages that waited for it. */
  readonly failed_starts: number;
  /** When a container is requested again after such an end, epoch milliseconds; null: no retry is due. */
  readonly retry_at: number | null;
  readonly queue: readonly PendingMessage[];
  readonly current: RunningMessage | null;
  /** Messages that were given to `claude` while a turn ran. It answers them in that turn, or in one of their own. */
  readonly steered: readonly HandedMessage[];
  readonly agent_turn: AgentTurn | null;
  readonly tasks: readonly OpenTask[];
  readonly due_reports: readonly DueReport[];
  /** Of these, `claude` was told within the running turn. */
  readonly reporting: readonly string[];
  /** Messages whose turn has ended, and whose subagents have not ended or not been reported on. */
  readonly unsettled: readonly string[];
  /** The message that was handed over last: what `claude` does later without a message follows from it. */
  readonly last_message: string | null;
  /** Its `claude` waits for a person's answer. */
  readonly asking: boolean;
  /** Other sessions wait for a place, and its container could make room for one. */
  readonly crowded: boolean;
  /** Its runner is being drained: no turn begins on it any more. Absent: it is not. */
  readonly draining?: boolean;
  /** Containers of other sessions work in its files. */
  readonly shared: boolean;
  readonly permit: TurnPermit;
  /** Why and since when (epoch milliseconds) its turns are suspended, because a budget is spent; null: they are not. */
  readonly suspended: { readonly reason: Reason; readonly since: number } | null;
  /** Until when (epoch milliseconds) and why no turn begins, because a usage limit is reached; null: turns may begin. */
  readonly limited: { readonly reason: Reason; readonly until: number } | null;
  /**
   * When the time of the present status began to count, epoch milliseconds: when the status was entered, or later, when
   * the clone was done, or when other sessions began or stopped to work in its files.
   */
  readonly since: number;
  /** When this epoch's container was launched, as far as the session knows; epoch milliseconds. */
  readonly launched_at: number;
  /** Somebody has a terminal of the container now, and last typed then, epoch milliseconds; null, or absent: nobody has. */
  readonly attached?: number | null;
  /** Those of this epoch's container that have not ended. Absent: none. */
  readonly terminals?: readonly OpenTerminal[];
}

/**
 * Whether an answer can be sent to the present epoch's `claude`: it was requested and, as far as the session knows, has
 * not ended.
 */
export function canHear({ container, exit }: SessionState): boolean {
  return container !== 'none' && container !== 'ending' && exit === null;
}

/** Whether a turn runs, whoever began it. */
export function isRunning({ current, steered, agent_turn }: SessionState): boolean {
  return current !== null || steered.length > 0 || agent_turn !== null;
}

/** Whether nothing would be lost with its container: no turn runs, nothing is in the background, nobody works in its files. */
export function isFree(state: SessionState): boolean {
  return !isRunning(state) && state.tasks.length === 0 && state.due_reports.length === 0 && !state.shared;
}

/** Why no turn may begin, though messages wait; null: one may. */
export function obstacleOf({ suspended, limited }: SessionState): Reason | null {
  return (suspended ?? limited)?.reason ?? null;
}

/** After a container that did not start, so long no other is started for somebody who looks, milliseconds. */
const FAILED_PAUSE_MS = 30_000;

/** Whether a session without a container starts one for somebody who looks. Only its owner undoes an owner's stop, by a message. */
export function wakesForVisitor(state: SessionState, now: number): boolean {
  const { container, status, reason, since, queue } = state;
  if (container !== 'none' || queue.length > 0 || obstacleOf(state) !== null) return false;
  if (status === 'stopped') return reason?.code !== 'stopped_by_user';
  return status === 'failed' && now >= since + FAILED_PAUSE_MS;
}

/** Whether the running turn is being ended. */
export function isEnding({ current, agent_turn }: SessionState): boolean {
  return (current?.interrupting ?? agent_turn?.interrupting ?? null) !== null;
}

/** Why a running turn is being ended. This decides how its message ends. */
export type InterruptCause = 'interrupted' | 'turn_timeout';

export const NEW_SESSION: SessionState = {
  status: 'queued',
  reason: null,
  epoch: 0,
  container: 'none',
  was_ready: false,
  exit: null,
  failed_starts: 0,
  retry_at: null,
  queue: [],
  current: null,
  steered: [],
  agent_turn: null,
  tasks: [],
  due_reports: [],
  reporting: [],
  unsettled: [],
  last_message: null,
  asking: false,
  crowded: false,
  shared: false,
  permit: 'free',
  suspended: null,
  limited: null,
  since: 0,
  launched_at: 0,
};
