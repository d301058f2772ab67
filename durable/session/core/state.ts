import type { MessageError, Reason } from '../../../protocol/reason.ts';
import type { TurnPermit } from '../../shared/turn-permit.ts';
import type { SessionStatus } from '../../../protocol/api/session.ts';

/** How long each phase may take, milliseconds. */
export interface Limits {
  /** From the launch until `claude` is ready. While a clone is due, its time is included. */
  readonly startup: number;
  /** Without a turn, until the container is ended. */
  readonly idle: number;
  /** The same, while other sessions wait for a place. */
  readonly crowded: number;
  /** Longest life of a container. */
  readonly lifetime: number;
  /** A turn whose message sets no timeout. */
  readonly turn: number;
  /** From the interrupt of a turn to its end. */
  readonly interrupt: number;
}

/** A message in the queue. Its text is stored elsewhere. */
interface PendingMessage {
  readonly message_id: string;
  /** When it fails with `turn_timeout`, epoch milliseconds; null: it sets no timeout, and waits without a limit. */
  readonly deadline: number | null;
}

/**
 * The message whose turn runs. It always has a deadline: its own, or the default, counted from the start of its turn.
 */
interface RunningMessage {
  readonly message_id: string;
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
  readonly queue: readonly PendingMessage[];
  readonly current: RunningMessage | null;
  /** Its `claude` waits for a person's answer. */
  readonly asking: boolean;
  /** Other sessions wait for a place, and its container could make room for one. */
  readonly crowded: boolean;
  /** Containers of other sessions work in its files. */
  readonly shared: boolean;
  readonly permit: TurnPermit;
  /** Why and since when (epoch milliseconds) its turns are suspended, because a budget is spent; null: they are not. */
  readonly suspended: { readonly reason: Reason; readonly since: number } | null;
  /**
   * When the time of the present status began to count, epoch milliseconds: when the status was entered, or later, when
   * the clone was done, or when other sessions began or stopped to work in its files.
   */
  readonly since: number;
  /** When this epoch's container was launched, as far as the session knows; epoch milliseconds. */
  readonly launched_at: number;
}

/**
 * Whether an answer can be sent to the present epoch's `claude`: it was requested and, as far as the session knows, has
 * not ended.
 */
export function canHear({ container, exit }: SessionState): boolean {
  return container !== 'none' && container !== 'ending' && exit === null;
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
  queue: [],
  current: null,
  asking: false,
  crowded: false,
  shared: false,
  permit: 'free',
  suspended: null,
  since: 0,
  launched_at: 0,
};

/** How a turn ended, as read from Claude Code's `result`. */
export type TurnOutcome =
  { readonly ok: true } | { readonly ok: false; readonly aborted: boolean; readonly error: MessageError };

export type SessionInput =
  | { readonly on: 'created' }
  | { readonly on: 'prompted'; readonly message: PendingMessage }
  | { readonly on: 'placed'; readonly epoch: number }
  | { readonly on: 'waiting'; readonly epoch: number; readonly reason: Reason }
  | { readonly on: 'ready' }
  /** The repository is cloned. The time for the startup begins now. */
  | { readonly on: 'cloned' }
  | { readonly on: 'claude_ended'; readonly reason: Reason }
  | { readonly on: 'turn_ended'; readonly message_ids: readonly string[]; readonly outcome: TurnOutcome }
  | { readonly on: 'message_dropped'; readonly message_id: string }
  /** The container could not give the message to `claude`. */
  | { readonly on: 'prompt_refused'; readonly message_id: string; readonly error: MessageError }
  /** `claude` now waits for a person's answer, or no longer does. */
  | { readonly on: 'asking'; readonly asking: boolean }
  /** Other sessions now wait for a place, or no longer do. */
  | { readonly on: 'crowded'; readonly epoch: number; readonly crowded: boolean }
  /** Other sessions now work in its files, or no longer do. While they do, it is not parked for being idle. */
  | { readonly on: 'shared'; readonly shared: boolean }
  /** The budget ledger has decided. Only `suspended` comes with a reason. */
  | { readonly on: 'permit'; readonly permit: Exclude<TurnPermit, 'suspended'> }
  | { readonly on: 'permit'; readonly permit: 'suspended'; readonly reason: Reason }
  | { readonly on: 'interrupt' }
  | { readonly on: 'stop'; readonly reason: Reason }
  | { readonly on: 'ended'; readonly epoch: number; readonly reason: Reason }
  | { readonly on: 'clock' };

/** What the store has to do for the machine. Effects are carried out in order. */
export type SessionEffect =
  /** Ask the pool for a container for the state's epoch. */
  | { readonly do: 'want' }
  /** Tell the pool that this epoch's container is no longer needed. */
  | { readonly do: 'release' }
  | { readonly do: 'prompt'; readonly message_id: string }
  | { readonly do: 'interrupt'; readonly message_id: string }
  /** Pause calls to the model from now on, or let them go on. */
  | { readonly do: 'pause_model'; readonly paused: boolean }
  /** From now on the container reports its spending after each call to the model, or no longer does. */
  | { readonly do: 'watch_spending'; readonly on: boolean }
  | { readonly do: 'message_processing'; readonly message_id: string }
  | { readonly do: 'message_completed'; readonly message_id: string }
  | { readonly do: 'message_failed'; readonly message_id: string; readonly error: MessageError }
  | { readonly do: 'message_interrupted'; readonly message_id: string; readonly error: MessageError }
  /** Log an event: the status or its reason has changed. */
  | { readonly do: 'announce' };

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}
