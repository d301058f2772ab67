import type { Delivery } from '../../../protocol/api/session/message.ts';
import type { MessageError, Reason } from '../../../protocol/reason.ts';
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

/** How a turn ended, as read from Claude Code's `result`. */
export type TurnOutcome =
  { readonly ok: true } | { readonly ok: false; readonly aborted: boolean; readonly error: MessageError };

/** A turn's end, as read from Claude Code's `result`. */
export interface EndedTurn {
  /** The messages that it answers. */
  readonly message_ids: readonly string[];
  /** `claude` had begun it itself. */
  readonly agent: boolean;
  /** The subagent of which an agent's turn speaks. */
  readonly run_id: string | null;
  readonly outcome: TurnOutcome;
}

/** A task in the background, as `claude` lists it. */
export type ReportedTask = Pick<OpenTask, 'task_id' | 'run_id' | 'kind' | 'description'>;

export type SessionInput =
  | { readonly on: 'created' }
  | { readonly on: 'prompted'; readonly message: PendingMessage; readonly delivery: Delivery }
  /** A message that was not handed over is withdrawn by its sender. */
  | { readonly on: 'withdrawn'; readonly message_id: string }
  | { readonly on: 'placed'; readonly epoch: number }
  | { readonly on: 'waiting'; readonly epoch: number; readonly reason: Reason }
  | { readonly on: 'ready' }
  /** The repository is cloned. The time for the startup begins now. */
  | { readonly on: 'cloned' }
  /** The runner's engine has no room for the container yet. The time for the startup begins when it has. */
  | { readonly on: 'start_waits'; readonly reason: Reason }
  | { readonly on: 'claude_ended'; readonly reason: Reason }
  /** `claude` has begun a turn that no message began. */
  | { readonly on: 'agent_turn_began'; readonly turn_id: string }
  | ({ readonly on: 'turn_ended' } & EndedTurn)
  /** `claude` is done with a message. A `result` that names it came before this, or follows, or there is none. */
  | { readonly on: 'message_done'; readonly message_id: string }
  /** `claude` has dropped a message. If its turn had begun, the `result` came before this. */
  | { readonly on: 'message_cancelled'; readonly message_id: string }
  /** All that `claude` has in the background now. */
  | { readonly on: 'tasks'; readonly tasks: readonly ReportedTask[] }
  /** Within the running turn, `claude` was told what a subagent found. */
  | { readonly on: 'task_reported'; readonly run_id: string }
  /** `claude` does nothing, and has nothing more to say. Shells may run in the background. */
  | { readonly on: 'claude_idle' }
  /** The container could not give the message to `claude`. */
  | { readonly on: 'prompt_refused'; readonly message_id: string; readonly error: MessageError }
  /** `claude` now waits for a person's answer, or no longer does. */
  | { readonly on: 'asking'; readonly asking: boolean }
  /** Other sessions now wait for a place, or no longer do. */
  | { readonly on: 'crowded'; readonly epoch: number; readonly crowded: boolean }
  /** The runner of this epoch's container is now being drained, or no longer is. */
  | { readonly on: 'draining'; readonly epoch: number; readonly draining: boolean }
  /** Other sessions now work in its files, or no longer do. While they do, it is not parked for being idle. */
  | { readonly on: 'shared'; readonly shared: boolean }
  /** A person looks at what runs in its container, or wants to: a parked session starts one, and an idle one stays. */
  | { readonly on: 'attended' }
  /** Its owner needs the container, without a message for its agent: to have a terminal. */
  | { readonly on: 'called' }
  /** Somebody has a terminal, and types; or nobody has one any more. While somebody does, it is not parked for being idle. */
  | { readonly on: 'attached'; readonly attached: boolean }
  | { readonly on: 'terminal_opened'; readonly epoch: number; readonly terminal: OpenTerminal }
  | {
      readonly on: 'terminal_ended';
      readonly terminal_id: string;
      readonly code: number | null;
      readonly signal: string | null;
    }
  /** The budget ledger has decided. Only `suspended` comes with a reason. */
  | { readonly on: 'permit'; readonly permit: Exclude<TurnPermit, 'suspended'> }
  | { readonly on: 'permit'; readonly permit: 'suspended'; readonly reason: Reason }
  /** `background`: its background work ends too. */
  | { readonly on: 'interrupt'; readonly background: boolean }
  | { readonly on: 'stop'; readonly reason: Reason }
  /** The container sends on although it was told to wait. It is ended. */
  | { readonly on: 'flooded'; readonly reason: Reason }
  | { readonly on: 'ended'; readonly epoch: number; readonly reason: Reason }
  | { readonly on: 'clock' };

/** What the store has to do for the machine. Effects are carried out in order. */
export type SessionEffect =
  /** Ask the pool for a container for the state's epoch. */
  | { readonly do: 'want' }
  /** Tell the pool that this epoch's container is no longer needed. */
  | { readonly do: 'release' }
  /** `steer`: into the turn that runs. */
  | { readonly do: 'prompt'; readonly message_id: string; readonly steer: boolean }
  /** End what runs. `message_id`: unless this message has ended meanwhile; null: whatever runs. */
  | {
      readonly do: 'interrupt';
      readonly message_id: string | null;
      /** End the background work too. These are the tasks that an interrupt alone would leave running. */
      readonly background: { readonly shells: readonly string[] } | null;
    }
  /** Pause calls to the model from now on, or let them go on. */
  | { readonly do: 'pause_model'; readonly paused: boolean }
  /** From now on the container reports its spending after each call to the model, or no longer does. */
  | { readonly do: 'watch_spending'; readonly on: boolean }
  | { readonly do: 'message_processing'; readonly message_id: string }
  /** `settled`: it began no subagent, or all have ended and been reported on. Otherwise `message_settled` follows. */
  | { readonly do: 'message_completed'; readonly message_id: string; readonly settled: boolean }
  | { readonly do: 'message_settled'; readonly message_id: string }
  | { readonly do: 'agent_turn_began'; readonly turn_id: string }
  /** The turn of this message has ended without a `result`: its container ended. The message's own end follows. */
  | { readonly do: 'message_turn_lost'; readonly message_id: string; readonly error: MessageError }
  /** The same of a turn that `claude` began. */
  | { readonly do: 'agent_turn_lost'; readonly turn: AgentTurn; readonly error: MessageError }
  /** Log an event: the background work has changed. */
  | { readonly do: 'announce_tasks' }
  /** Log an event. `ended`: how, if its command did; null: its container ended. */
  | { readonly do: 'terminal_opened'; readonly terminal: OpenTerminal }
  | {
      readonly do: 'terminal_ended';
      readonly terminal: OpenTerminal;
      readonly ended: { readonly code: number | null; readonly signal: string | null } | null;
    }
  /** It waits anew, because a usage limit ended its turn. `retry_at`: until then, epoch milliseconds. */
  | { readonly do: 'message_held'; readonly message_id: string; readonly retry_at: number }
  | { readonly do: 'message_failed'; readonly message_id: string; readonly error: MessageError }
  | { readonly do: 'message_interrupted'; readonly message_id: string; readonly error: MessageError }
  /** Log an event: the status or its reason has changed. */
  | { readonly do: 'announce' };

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}
