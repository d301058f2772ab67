import type { OwnEvent } from '../../../protocol/api/event.ts';
import type { Prompt } from '../../../protocol/content/blocks.ts';
import type { WrapperCommand } from '../../../protocol/link/wrapper-link.ts';
import type { SessionInput } from '../core/state.ts';
import type { SessionRecord } from './record.ts';

/** What the parts of a transaction may do to the session. */
export interface Change {
  record: SessionRecord;
  /** `seq` of the newest event, this change's included. */
  readonly seq: number;
  /** Writes an event to the log. */
  emit(event: OwnEvent): void;
  /** Sends a command to the container of the present epoch. */
  order(command: WrapperCommand): void;
  /** Feeds the state machine. */
  input(input: SessionInput): void;
  /** Takes a message; `deadline` in epoch milliseconds, null: it has none. */
  prompt(message_id: string, prompt: Prompt, deadline: number | null): void;
}
