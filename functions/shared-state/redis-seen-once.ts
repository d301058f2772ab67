import type { RedisClient } from '../../redis/client.ts';
import { OWN } from './redis-keys.ts';
import type { SeenOnce } from './shared-state.ts';

/** What was seen, on Redis. When Redis is slow or down, nothing counts as new. */
export class RedisSeenOnce implements SeenOnce {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async first(key: string, ttlSeconds: number): Promise<boolean> {
    const set = { nx: true, ex: Math.max(1, Math.ceil(ttlSeconds)) } as const;
    return (await this.#redis.use((redis) => redis.set(`${OWN}seen/${key}`, '1', set))) === 'OK';
  }
}
