import type { Delivery } from '../../../../protocol/api/session/message.ts';
import type { MessageError, Reason } from '../../../../protocol/reason.ts';
import type { TurnPermit } from '../../../shared/turn-permit.ts';
import type { OpenTask, OpenTerminal, PendingMessage } from '../state.ts';

/** How a turn ended, as read from Claude Code's `result`. */
export type TurnOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly aborted: boolean; readonly error: MessageError };

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
