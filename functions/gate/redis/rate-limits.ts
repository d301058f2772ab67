import { Ratelimit } from '@upstash/ratelimit';
import type { Permits } from '../../../durable/rpc/gate-rpc.ts';
import { burstOf } from '../../../protocol/settings/bounds-settings.ts';
import { RedisUnavailable, type RedisClient } from '../../../redis/client.ts';
import type { RateLimits } from '../stores.ts';
import { OWN } from './keys.ts';

/** Shortest time between two refills of a bucket, milliseconds. */
const REFILL_MS = 100;

/** Rate limits on Redis, by `@upstash/ratelimit`. When Redis is slow or down, nobody is limited. */
export class RedisRateLimits implements RateLimits {
  readonly #redis: RedisClient;
  /** By permits a minute: a limiter is made for one rate. */
  readonly #limiters = new Map<number, Ratelimit>();

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async take(key: string, perMinute: number, permits: number): Promise<Permits | 'unknown'> {
    const wanted = Math.min(permits, burstOf(perMinute));
    try {
      return await this.#redis.use(() => this.#take(this.#limiter(perMinute), key, wanted));
    } catch (error) {
      if (error instanceof RedisUnavailable) return 'unknown';
      throw error;
    }
  }

  /**
   * `limit` grants all or nothing. When there are fewer permits than wanted, one is taken alone: that says how many are left,
   * of which as many as wanted are taken then. If others were quicker, it is one.
   */
  async #take(limiter: Ratelimit, key: string, wanted: number): Promise<Permits> {
    const all = await limiter.limit(key, { rate: wanted });
    if (all.success) return permitsOf(wanted, all);
    const one = wanted === 1 ? all : await limiter.limit(key, { rate: 1 });
    if (!one.success) return permitsOf(0, one);
    const more = Math.min(one.remaining, wanted - 1);
    if (more === 0) return permitsOf(1, one);
    const rest = await limiter.limit(key, { rate: more });
    return permitsOf(rest.success ? 1 + more : 1, rest);
  }

  #limiter(perMinute: number): Ratelimit {
    const limiter = this.#limiters.get(perMinute) ?? this.#newLimiter(perMinute);
    this.#limiters.set(perMinute, limiter);
    return limiter;
  }

  #newLimiter(perMinute: number): Ratelimit {
    // At each refill there is at least one permit more, so that the time of the next refill is the time to come back.
    const refillMs = Math.max(REFILL_MS, Math.ceil(60_000 / perMinute));
    const refill = (perMinute * refillMs) / 60_000;
    return new Ratelimit({
      redis: this.#redis.upstash,
      limiter: Ratelimit.tokenBucket(refill, `${refillMs} ms`, burstOf(perMinute)),
      prefix: `${OWN}permits/${perMinute}`,
      // It would refuse all of a key for which once too many permits were wanted.
      ephemeralCache: false,
      // At its own time limit it grants. `use` has one that says `unknown`.
      timeout: 0,
    });
  }
}

/** @param reset when there is one more, epoch milliseconds */
function permitsOf(granted: number, { remaining, reset }: { remaining: number; reset: number }): Permits {
  return { granted, remaining, resetMs: Math.max(0, reset - Date.now()) };
}
