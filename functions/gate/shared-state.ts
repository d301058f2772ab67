import { gateStub, type Objects } from '../../durable/rpc/edge-env.ts';
import type { RedisSettings } from '../../protocol/settings/redis-settings.ts';
import { redisOf, type RedisClient } from '../../redis/client.ts';
import { isTransient } from '../until-answered.ts';
import type { Permits, Revocation, TokenMark } from '../../durable/rpc/gate-rpc.ts';
import { RedisRateLimits } from './redis/rate-limits.ts';
import { RedisRevocations } from './redis/revocations.ts';
import { RedisSeenOnce } from './redis/seen-once.ts';

/** Buckets of permits, which all edges share. */
export interface RateLimits {
  /** Takes up to `permits` at once. `unknown`: the store cannot be asked, and the caller is let pass. */
  take(key: string, perMinute: number, permits: number): Promise<Permits | 'unknown'>;
}

/** Revoked tokens, which all edges share. On Redis, both throw `RedisUnavailable` (503) when nobody knows. */
export interface Revocations {
  /** `until`: no such token is valid after that, epoch milliseconds. */
  revoke(what: Revocation, until: number): Promise<void>;
  isRevoked(token: TokenMark): Promise<boolean>;
}

/** Things that may happen once, such as a signed webhook. */
export interface SeenOnce {
  /**
   * @returns true the first time within `ttlSeconds`
   * @throws {RedisUnavailable} nobody knows (503)
   */
  first(key: string, ttlSeconds: number): Promise<boolean>;
}

interface SharedState {
  readonly limits: RateLimits;
  readonly revocations: Revocations;
  /** Null: no store is asked, and who takes the webhook knows by itself what it has seen. */
  readonly seen: SeenOnce | null;
}

function unknownIfTransient(error: unknown): 'unknown' {
  if (!isTransient(error)) throw error;
  console.warn(`limits: the gate cannot be asked, so nobody is limited just now: ${String(error)}`);
  return 'unknown';
}

const onRedis = new WeakMap<RedisClient, SharedState>();

/** What edges share. Redis keeps it where that is configured (docs/redis.md), else a Durable Object. */
export function sharedState(env: Objects, settings: RedisSettings): SharedState {
  const redis = redisOf(settings);
  if (redis === null) return inObject(env);
  const known = onRedis.get(redis) ?? {
    limits: new RedisRateLimits(redis),
    revocations: new RedisRevocations(redis),
    seen: new RedisSeenOnce(redis),
  };
  onRedis.set(redis, known);
  return known;
}

function inObject(env: Objects): SharedState {
  const gate = gateStub(env);
  return {
    limits: {
      // A limit is not worth a service that answers nobody.
      take: (key, perMinute, permits) => gate.take(key, perMinute, permits).catch(unknownIfTransient),
    },
    revocations: {
      revoke: async (what, until) => await gate.revoke(what, until),
      isRevoked: async (token) => await gate.isRevoked(token),
    },
    seen: null,
  };
}
