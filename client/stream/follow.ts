import { CcDockerError } from '../error.ts';
import type { PreviewEvent, SessionEvent } from '../event.ts';
import { backoffMs, delay, type Backoff } from '../http/backoff.ts';
import { broken, type Connect } from './connection.ts';

/** A connection has broken, and the next one is tried. */
export interface Reconnect {
  /** Why. */
  readonly error: CcDockerError;
  /** Attempts since the last event came, from 1. */
  readonly attempt: number;
  /** When it is tried, milliseconds from now. */
  readonly waitMs: number;
}

export interface ReconnectingOptions {
  /** The cursor to start after. */
  readonly after: number;
  readonly backoff: Backoff;
  readonly signal: AbortSignal | undefined;
  readonly onReconnect: ((reconnect: Reconnect) => void) | undefined;
  readonly onConnect?: (() => void) | undefined;
}

/** What becomes of an item: the cursor after it, and whether it is given. */
export interface Taken {
  readonly cursor: number;
  readonly isGiven: boolean;
}

export interface FollowOptions extends ReconnectingOptions {
  readonly previews: boolean;
}

/** Follows a session's log after a cursor, for ever: each event once, in order, over as many connections as it takes. */
export function follow(
  connect: Connect,
  { previews, ...options }: FollowOptions,
): AsyncGenerator<SessionEvent | PreviewEvent, never, undefined> {
  return reconnecting(connect, options, (item, cursor) => {
    if (item.type === 'session.gap') return { cursor: Math.max(cursor, item.data.to), isGiven: true };
    if (item.seq === undefined) return { cursor, isGiven: previews };
    if (item.seq <= cursor) return { cursor, isGiven: false };
    if (item.seq > cursor + 1) throw broken(`Event ${cursor + 1} did not come, but ${item.seq} did.`);
    return { cursor: item.seq, isGiven: true };
  });
}

/**
 * Follows a stream after a cursor, for ever, over as many connections as it takes.
 *
 * @param take says what becomes of an item after a cursor; throws `broken` for one that cannot be
 * @throws CcDockerError when a new connection would be refused as well: the session is removed, or the token is refused
 * @throws the signal's reason
 */
export async function* reconnecting<T>(
  connect: Connect<T>,
  { after, backoff, signal, onReconnect, onConnect }: ReconnectingOptions,
  take: (item: T, cursor: number) => Taken,
): AsyncGenerator<T, never, undefined> {
  let cursor = after;
  let attempt = 0;
  for (;;) {
    signal?.throwIfAborted();
    // What a connection has begun ends with it.
    const ended = new AbortController();
    const stop = () => ended.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    let error: CcDockerError;
    try {
      const connection = await connect(cursor, ended.signal);
      try {
        onConnect?.();
        for (let items = await connection.next(); items !== null; items = await connection.next()) {
          for (const item of items) {
            const taken = take(item, cursor);
            cursor = taken.cursor;
            if (!taken.isGiven) continue;
            attempt = 0;
            yield item;
          }
          connection.acknowledge(cursor);
        }
        error = broken('The stream ended.');
      } finally {
        connection.close();
      }
    } catch (thrown) {
      signal?.throwIfAborted();
      if (!(thrown instanceof CcDockerError) || !comesBack(thrown)) throw thrown;
      error = thrown;
    } finally {
      signal?.removeEventListener('abort', stop);
      ended.abort();
    }
    const waitMs = Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, backoff, Math.random()));
    attempt += 1;
    onReconnect?.({ error, attempt, waitMs });
    await delay(waitMs, signal);
  }
}

/** On a full disk a call says so at once, because somebody has to make room. Who follows has the time to wait for that. */
const comesBack = ({ code, retryable }: CcDockerError): boolean => retryable || code === 'disk_low';
