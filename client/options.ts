import type { Reconnect } from './stream/follow.ts';
import type { ChatRequest } from './types.ts';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call that creates something takes. */
export interface CreatingOptions extends CallOptions {
  /** The same key with the same request has its effect once. Default: one of the client's own, for this call. */
  readonly idempotencyKey?: string | undefined;
}

export interface SendOptions extends CreatingOptions {
  /** How it reaches an agent that is at work. Default: `queue`. */
  readonly delivery?: ChatRequest['delivery'] | undefined;
  /** Seconds from acceptance. Then it fails with `turn_timeout`. */
  readonly timeoutSeconds?: number | undefined;
}

/** Which stream brings the events. */
export type Transport = 'websocket' | 'sse';

export interface EventsOptions extends CallOptions {
  /** `seq` of the last event that you have; what comes after it is given. Default 0: the whole log. */
  readonly after?: number | undefined;
  /** Default: `websocket`. */
  readonly transport?: Transport | undefined;
  /** A connection is open: the first one, or the next one after a break. */
  readonly onConnect?: (() => void) | undefined;
  /** A connection has broken, and the next one is tried. */
  readonly onReconnect?: ((reconnect: Reconnect) => void) | undefined;
}

/** Where a page of a log is: the events after a cursor, those just before one, or those from a time on (ISO 8601). */
export type EventPlace = { readonly after: number } | { readonly before: number } | { readonly since: string };

export interface EventPageOptions extends CallOptions {
  /** At most so many, up to 1000. A page also ends at about 4 MiB. Default: 200. */
  readonly limit?: number | undefined;
}

export interface FeedOptions extends CallOptions {
  /** `cursor` of the last event that you have; what has changed since is given. Default 0: all that there is. */
  readonly after?: number | undefined;
  /** A connection is open: the first one, or the next one after a break. */
  readonly onConnect?: (() => void) | undefined;
  /** A connection has broken, and the next one is tried. */
  readonly onReconnect?: ((reconnect: Reconnect) => void) | undefined;
}

/** Of `openapi-fetch`: without a member that is undefined. */
export const signalOf = ({ signal }: CallOptions) => (signal === undefined ? {} : { signal });
