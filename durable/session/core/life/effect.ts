import type { MessageError } from '../../../../protocol/reason.ts';
import type { AgentTurn, OpenTerminal, SessionState } from '../state.ts';

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
