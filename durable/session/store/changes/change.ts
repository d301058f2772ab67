import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import type { Prompt } from '../../../../protocol/content/blocks.ts';
import type { WrapperCommand } from '../../../../protocol/link/wrapper/wrapper-link.ts';
import type { Delivery, TurnOrigin } from '../../../../protocol/api/session/message.ts';
import type { SessionInput } from '../../core/life/input.ts';
import type { EndedTurnRow } from '../messages/turn-table.ts';
import type { SessionRecord } from '../record.ts';

/** What the parts of a transaction may do to the session. */
export interface Change {
  record: SessionRecord;
  /** `seq` of the newest event, this change's included. */
  readonly seq: number;
  /** Writes an event to the log. */
  emit(event: OwnEvent): void;
  /** Sends a command to the container of the present epoch. */
  order(command: WrapperCommand): void;
  /** Turns that have ended, as they were stored. */
  readonly turns: EndedTurnRow[];
  /** Feeds the state machine. */
  input(input: SessionInput): void;
  /** Takes a message for the agent. */
  prompt(message: NewMessage): void;
}

/** A message for the agent. */
export interface NewMessage {
  readonly message_id: string;
  readonly prompt: Prompt;
  readonly origin: TurnOrigin;
  /** When it fails with `turn_timeout`, epoch milliseconds; absent: it sets no timeout. */
  readonly deadline?: number | null;
  /** Absent: `queue`. */
  readonly delivery?: Delivery;
  /** The `traceparent` of the call that it came with; absent: of none that is traced. */
  readonly traceparent?: string | undefined;
}
