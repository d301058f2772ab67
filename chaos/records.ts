import type { MessageStatus } from '../client/main.ts';

/** What is kept of a run, for the checker: plain data. */

/** A message that the service has taken. */
export interface SentMessage {
  readonly id: string;
  /** No other message has it. */
  readonly token: string;
  /** Each writes `TOKEN STEP` to the session's file, once if it is run once. */
  readonly steps: number;
}

/** What the service says of it at the end. */
export interface EndedMessage {
  readonly id: string;
  readonly status: MessageStatus;
}

/** One event, as somebody has it. `what` is all of it but its number: two that are the same event have the same. */
export interface SeenEvent {
  readonly seq: number;
  readonly type: string;
  readonly what: string;
  /** Of the message that it tells of, if it does. */
  readonly messageId: string | null;
}

export interface ViewerRecord {
  readonly name: string;
  readonly seen: readonly SeenEvent[];
  /** Why the client gave up; null: it did not. */
  readonly ended: string | null;
}

export interface SessionRecord {
  readonly id: string;
  readonly sent: readonly SentMessage[];
  /** As the service lists them at the end. */
  readonly messages: readonly EndedMessage[];
  /** Its log, read at the end. */
  readonly stored: readonly SeenEvent[];
  /** What each viewer was given, in its order. */
  readonly viewers: readonly ViewerRecord[];
  /** The lines of the file to which its steps write. */
  readonly ran: readonly string[];
  /** The most containers that it had at one time. */
  readonly mostContainers: number;
}

/** A call that the service did not take, and that was made again. */
export interface Refusal {
  readonly code: string;
  /** Of the HTTP answer; null: there was none. */
  readonly status: number | null;
  /** The sentence for people. */
  readonly detail: string;
}

export interface RunRecord {
  readonly sessions: readonly SessionRecord[];
  readonly refusals: readonly Refusal[];
  /** What is left when all sessions are deleted and the grace time is over: processes, containers, folders. */
  readonly left: readonly string[];
}
