import type { MessageError, Reason } from '../../../protocol/reason.ts';
import type { TurnPermit } from '../../shared/turn-permit.ts';
import type { SessionStatus } from '../../../protocol/api/session.ts';

/** How long each phase may take, milliseconds. */
export interface Limits {
  /** From the launch being sent to `claude` being ready; with the time for a clone while one is due. */
  readonly startup: number;
  /** Without a turn, until the container goes. */
  readonly idle: number;
  /** The same while other sessions wait for a place. */
  readonly crowded: number;
  /** A container's longest life. */
  readonly lifetime: number;
  /** A turn, where its message does not say. */
  readonly turn: number;
  /** From a turn being interrupted to its end. */
  readonly interrupt: number;
}

/** A message that waits or runs; what it says is stored elsewhere. */
interface PendingMessage {
  readonly message_id: string;
  /** Epoch milliseconds after which it fails with `turn_timeout`; null: it says none, and waits as long as it must. */
  readonly deadline: number | null;
}

/** The message whose turn runs. It always has a deadline: its own, or the default from its turn's beginning. */
interface RunningMessage {
  readonly message_id: string;
  /** Epoch milliseconds. */
  readonly deadline: number;
  /** The deadline is its own: waiting for a person does not put it off. */
  readonly own_deadline: boolean;
  /** Since when its turn waits for a person, so that the default deadline is put off; epoch milliseconds. */
  readonly paused: number | null;
  /** Its turn is being ended: why, and since when. */
  readonly interrupting: { readonly cause: InterruptCause; readonly since: number } | null;
}

/** Where a container is in its life, as far as the session has been told. */
type ContainerPhase = 'none' | 'wanted' | 'launched' | 'ready' | 'ending';

/** All that decides what a session does next. Plain data: stored whole with each change. */
export interface SessionState {
  readonly status: SessionStatus;
  readonly reason: Reason | null;
  readonly epoch: number;
  readonly container: ContainerPhase;
  /** Whether this epoch's `claude` was ever ready: one that never was is not simply tried again. */
  readonly was_ready: boolean;
  /** `claude` ended by itself in this epoch; explains the container's end. */
  readonly exit: Reason | null;
  readonly queue: readonly PendingMessage[];
  readonly current: RunningMessage | null;
  /** Its `claude` waits for a person. */
  readonly asking: boolean;
  /** Others wait for a place such as its container has. */
  readonly crowded: boolean;
  /** Containers of other sessions work in its files. */
  readonly shared: boolean;
  readonly permit: TurnPermit;
  /** Why and since when a spent budget suspends its turns, epoch milliseconds; null: none does. */
  readonly suspended: { readonly reason: Reason; readonly since: number } | null;
  /** When the present phase began, or its clone was done, or others have left its files; epoch milliseconds. */
  readonly since: number;
  /** When this epoch's container was asked for. */
  readonly launched_at: number;
}

/** Whether the `claude` of the present epoch is there, as far as is known: an answer can be handed to it. */
export function canHear({ container, exit }: SessionState): boolean {
  return container !== 'none' && container !== 'ending' && exit === null;
}

/** Why a running turn is being ended: it decides how its message ends. */
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
  /** What was to be cloned is there: from here on, the startup has its own time. */
  | { readonly on: 'cloned' }
  | { readonly on: 'claude_ended'; readonly reason: Reason }
  | { readonly on: 'turn_ended'; readonly message_ids: readonly string[]; readonly outcome: TurnOutcome }
  | { readonly on: 'message_dropped'; readonly message_id: string }
  /** A person is asked something that `claude` waits for, or nobody is any more. */
  | { readonly on: 'asking'; readonly asking: boolean }
  /** Others wait for a place now, or no longer. */
  | { readonly on: 'crowded'; readonly epoch: number; readonly crowded: boolean }
  /** Others work in its files now, or no longer: it is not parked under them. */
  | { readonly on: 'shared'; readonly shared: boolean }
  /** The budget ledger has decided; `reason` with `suspended` alone. */
  | { readonly on: 'permit'; readonly permit: Exclude<TurnPermit, 'suspended'> }
  | { readonly on: 'permit'; readonly permit: 'suspended'; readonly reason: Reason }
  | { readonly on: 'interrupt' }
  | { readonly on: 'stop'; readonly reason: Reason }
  | { readonly on: 'ended'; readonly epoch: number; readonly reason: Reason }
  | { readonly on: 'clock' };

/** What the shell has to do, in order. */
export type SessionEffect =
  /** Ask the pool for a container of the state's epoch. */
  | { readonly do: 'want' }
  /** Tell the pool that this epoch's container is no longer wanted. */
  | { readonly do: 'release' }
  | { readonly do: 'prompt'; readonly message_id: string }
  | { readonly do: 'interrupt'; readonly message_id: string }
  /** From now on calls to the model are paused, or no longer. */
  | { readonly do: 'pause_model'; readonly paused: boolean }
  /** From now on what is spent is to be told call by call, or no longer. */
  | { readonly do: 'watch_spending'; readonly on: boolean }
  | { readonly do: 'message_processing'; readonly message_id: string }
  | { readonly do: 'message_completed'; readonly message_id: string }
  | { readonly do: 'message_failed'; readonly message_id: string; readonly error: MessageError }
  | { readonly do: 'message_interrupted'; readonly message_id: string; readonly error: MessageError }
  /** The status or its reason has changed: say so in the log. */
  | { readonly do: 'announce' };

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}
