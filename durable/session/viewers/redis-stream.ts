import type { RedisClient } from '../../../redis/client.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { SessionStore } from '../store/store.ts';
import type { StoredEvent } from '../core/shown.ts';

/** About so many of the newest entries stay in a stream. */
const MAX_ENTRIES = 100_000;
/** Most events in one call, and the size of their data from which on no more are added, UTF-16 units. */
const MAX_EVENTS = 500;
const MAX_BATCH_UNITS = 500_000;
/** The longest data that is copied, UTF-16 units: Upstash takes 10 MB in a call, of which escaping and UTF-8 can fill most. */
const MAX_DATA_UNITS = 1_000_000;

/** The longest wait after a failure, milliseconds. The first is a second, and each is twice as long as that before it. */
const MAX_WAIT_MS = 60_000;
/** Each wait is up to this part shorter, so that sessions that failed together do not come back together. */
const JITTER = 0.2;

/**
 * Copies the session's events to the Redis stream of its `config.events_to`: in order, each at least once. How far it has come
 * is stored, so a restart goes on from there, and what could not be copied waits in the log.
 */
export class RedisStream implements Outgoing {
  readonly #store: SessionStore;
  readonly #redis: RedisClient | null;
  readonly #call: RetryingCall;
  /** As the cursor's table has it; null: not read yet. */
  #copied: number | null = null;

  /**
   * @param redis null: it is not configured (any more), so nothing is copied
   * @param retry schedules a call of `send` at `nextTry`
   */
  constructor(ctx: DurableObjectState, store: SessionStore, redis: RedisClient | null, retry: () => void) {
    this.#store = store;
    this.#redis = redis;
    const isDue = () => this.#target() !== null;
    this.#call = new RetryingCall({ ctx, whom: 'Redis', isDue, send: () => this.#copy(), retry, waitMs });
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  send(): void {
    this.#call.send();
  }

  /** Where events that wait are to go; null: none waits, or nowhere. */
  #target(): { readonly redis: RedisClient; readonly stream: string; readonly after: number } | null {
    const redis = this.#redis;
    const stream = this.#store.record?.identity.request.config.events_to?.redis_stream;
    if (redis === null || stream === undefined) return null;
    const after = (this.#copied ??= this.#store.streamCursor.get());
    return after < this.#store.seq ? { redis, stream, after } : null;
  }

  async #copy(): Promise<void> {
    const target = this.#target();
    if (target === null) return;
    const { redis, stream, after } = target;
    const { session_id } = this.#store.current.identity;
    const events = this.#store.log.read(after, MAX_EVENTS, MAX_BATCH_UNITS);
    await redis.use(async (client) => {
      // One transaction: what Redis has no room for is not left out from between others.
      const batch = client.multi();
      const trim = { type: 'MAXLEN', comparison: '~', threshold: MAX_ENTRIES } as const;
      for (const event of events) batch.xadd(stream, '*', entryOf(session_id, event), { trim });
      await batch.exec();
    });
    const last = events.at(-1);
    // The session was deleted meanwhile, and its cursor with it.
    if (last === undefined || this.#store.record === null) return;
    this.#store.streamCursor.set(last.seq);
    this.#copied = last.seq;
  }
}

/** An entry of the stream: docs/redis.md. */
function entryOf(session_id: string, { seq, time, type, json }: StoredEvent): Record<string, string> {
  const facts = { seq: String(seq), session_id, type, time: new Date(time).toISOString() };
  if (json.length <= MAX_DATA_UNITS) return { ...facts, data: json };
  return { ...facts, data: '{}', data_omitted: String(json.length) };
}

function waitMs(failures: number): number {
  return Math.min(MAX_WAIT_MS, 1000 * 2 ** (failures - 1)) * (1 - JITTER * Math.random());
}
