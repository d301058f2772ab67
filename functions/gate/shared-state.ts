import type { HandlerObjects } from '../../durable/rpc/callable.ts';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import type { RedisSettings } from '../../protocol/settings/redis-settings.ts';
import { redisOf, type RedisClient } from '../../redis/client.ts';
import { isTransient } from '../until-answered.ts';
import { RedisRateLimits } from './redis/rate-limits.ts';
import { RedisRevocations } from './redis/revocations.ts';
import { RedisSeenOnce } from './redis/seen-once.ts';
import type { SharedState } from './stores.ts';

function unknownIfTransient(error: unknown): 'unknown' {
  if (!isTransient(error)) throw error;
  console.warn(`limits: the gate cannot be asked, so nobody is limited just now: ${String(error)}`);
  return 'unknown';
}

const onRedis = new WeakMap<RedisClient, SharedState>();

/** What edges share. Redis keeps it where that is configured (docs/redis.md), else a Durable Object. */
export function sharedState(env: HandlerObjects, settings: RedisSettings): SharedState {
  const redis = redisOf(settings);
  if (redis === null) return inObjectOf(env);
  const known = onRedis.get(redis) ?? {
    limits: new RedisRateLimits(redis),
    revocations: new RedisRevocations(redis),
    seen: new RedisSeenOnce(redis),
  };
  onRedis.set(redis, known);
  return known;
}

/** By environment, of which a process has one. */
const inObjects = new WeakMap<HandlerObjects, SharedState>();

function inObjectOf(env: HandlerObjects): SharedState {
  const known = inObjects.get(env) ?? inObject(env);
  inObjects.set(env, known);
  return known;
}

function inObject(env: HandlerObjects): SharedState {
  // Most calls ask for nothing here.
  const gate = () => gateStub(env);
  return {
    limits: {
      // A limit is not worth a service that answers nobody.
      take: (key, perMinute, permits) => gate().take(key, perMinute, permits).catch(unknownIfTransient),
    },
    revocations: {
      revoke: async (what) => await gate().revoke(what),
      isRevoked: async (token) => await gate().isRevoked(token),
    },
    seen: null,
  };
}
