import { redisOf, type RedisClient } from '../../redis/client.ts';
import type { RedisSettings } from '../../protocol/settings/redis-settings.ts';
import { RedisRateLimits } from './redis-rate-limits.ts';
import { RedisRevocations } from './redis-revocations.ts';
import { RedisSeenOnce } from './redis-seen-once.ts';
import type { RateLimits, Revocations, SeenOnce } from './shared-state.ts';

export interface SharedState {
  readonly limits: RateLimits;
  readonly revocations: Revocations;
  readonly seen: SeenOnce;
}

/** One for each client, as long as this isolate lives: it remembers what Redis said. */
const states = new WeakMap<RedisClient, SharedState>();

/** What edges share over Redis; null: it is not configured. */
export function sharedOnRedis(settings: RedisSettings): SharedState | null {
  const redis = redisOf(settings);
  if (redis === null) return null;
  const state = states.get(redis) ?? {
    limits: new RedisRateLimits(redis),
    revocations: new RedisRevocations(redis),
    seen: new RedisSeenOnce(redis),
  };
  states.set(redis, state);
  return state;
}
