import { Redis } from '@upstash/redis/cloudflare';
import type { RedisSettings } from '../protocol/settings/redis-settings.ts';

/** Longest time of a call for which nobody waits, as for a webhook: it may carry a megabyte to another continent. Milliseconds. */
const BACKGROUND_MS = 10_000;

/** Shortest time between two lines of the log which say that Redis fails, milliseconds. */
const SAY_MS = 10_000;

/** Redis did not do what it was asked, or not in time. What then holds is the caller's: docs/redis.md. */
export class RedisUnavailable extends Error {
  override name = 'RedisUnavailable';
}

/** One client for all requests of this isolate: it keeps no connection of its own. */
const clients = new Map<string, RedisClient>();
let saidAt = 0;

/** A Redis behind Upstash's REST protocol, which is asked once and not for long. */
export class RedisClient {
  readonly #redis: Redis;
  readonly #limitMs: number;

  constructor(url: string, token: string, limitMs: number) {
    this.#limitMs = limitMs;
    this.#redis = new Redis({
      url,
      token,
      // Each use says itself what becomes of a failure. Tries of the client's own would take seconds.
      retry: false,
      // As a function: a signal alone makes the client answer "Aborted" as if Redis had.
      signal: () => AbortSignal.timeout(limitMs),
      // What was stored as a string is read as one, also if it looks like a number.
      automaticDeserialization: false,
      enableTelemetry: false,
    });
  }

  /** The client itself, for `@upstash/ratelimit`. Call it within `use`. */
  get upstash(): Redis {
    return this.#redis;
  }

  /**
   * Whatever `work` asks of Redis, all of it within the limit.
   *
   * @throws {RedisUnavailable} it failed, or took longer
   */
  async use<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no answer within ${this.#limitMs} ms`)), this.#limitMs);
    try {
      return await Promise.race([work(this.#redis), late]);
    } catch (error) {
      throw unavailable(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** For what a request waits for; null: Redis is not configured. */
export const redisOf = (settings: RedisSettings): RedisClient | null => clientOf(settings, settings.REDIS_TIMEOUT_MS);

/** For what nobody waits for; null: Redis is not configured. */
export const backgroundRedisOf = (settings: RedisSettings): RedisClient | null => clientOf(settings, BACKGROUND_MS);

function clientOf({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }: RedisSettings, limitMs: number) {
  if (url === undefined || token === undefined) return null;
  const key = JSON.stringify([url, token, limitMs]);
  const client = clients.get(key) ?? new RedisClient(url, token, limitMs);
  clients.set(key, client);
  return client;
}

function unavailable(error: unknown): RedisUnavailable {
  // Upstash's client adds the whole command, with whatever it holds.
  const why = (error instanceof Error ? error.message : String(error)).replace(/, command was: [^]*$/, '');
  const now = Date.now();
  if (now >= saidAt + SAY_MS) {
    saidAt = now;
    console.error(`redis: it does not do what it is asked: ${why}`);
  }
  return new RedisUnavailable(why, { cause: error });
}
