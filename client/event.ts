import type { OwnEvents, OwnPreviews } from './types.ts';

/** CC-Docker's own types of events: those with a dot. */
export type OwnEventType = keyof OwnEvents;

/** One of CC-Docker's own events: a `type` with the `data` that belongs to it. */
export type OwnEvent = {
  [T in Exclude<OwnEventType, 'session.gap'>]: { seq: number; time: string; type: T; data: OwnEvents[T] };
}[Exclude<OwnEventType, 'session.gap'>];

/** One of Claude Code's own messages, as it wrote it. */
export interface ClaudeEvent {
  seq: number;
  time: string;
  type: 'system' | 'assistant' | 'user' | 'result' | 'rate_limit_event' | 'tool_progress' | 'control_request';
  data: Record<string, unknown>;
}

/**
 * Events `from` to `to` are no longer stored, so they cannot be given. It belongs to no log, so it has no `seq`: go on after it from
 * `data.to`.
 */
export interface GapEvent {
  seq?: never;
  type: 'session.gap';
  data: OwnEvents['session.gap'];
}

/** A preview, token by token, of a message that follows whole. Live only: it is not stored, and has no `seq`. */
interface ClaudePreview {
  seq?: never;
  time: string;
  type: 'stream_event';
  data: Record<string, unknown>;
}

/** What the build of the session's environment has just written. Live only; the build's log has all of it. */
interface BuildOutput {
  seq?: never;
  time: string;
  type: 'environment.output';
  data: OwnPreviews['environment.output'];
}

/** What is live only: it is not stored, and has no `seq`. */
export type PreviewEvent = ClaudePreview | BuildOutput;

/** Whether it is live only. */
export const isPreview = (event: SessionEvent | PreviewEvent): event is PreviewEvent =>
  event.seq === undefined && event.type !== 'session.gap';

/**
 * Stands for every type that this version does not know. In truth its `type` is whatever it is: `'…'` is here so that the types that
 * are known can be told apart by `event.type`. To compare it with one that is not known: `(event.type as string) === 'new'`.
 */
export interface UnknownEvent {
  seq: number;
  time: string;
  type: '…';
  data: Record<string, unknown>;
}

/** What a session's stream gives. `switch (event.type)` tells them apart; have a `default` for what comes later. */
export type SessionEvent = OwnEvent | ClaudeEvent | GapEvent | UnknownEvent;

/** A page of a session's log, the oldest event first. */
export interface EventPage {
  /** `session.gap` stands where events are no longer stored. */
  readonly events: readonly SessionEvent[];
  /** The next `after`; null: the page is the log's end. */
  readonly next: number | null;
  /** The next `before`; null: nothing that comes before the page is stored. */
  readonly previous: number | null;
  /** `seq` of the newest event of the log. */
  readonly last: number;
}
