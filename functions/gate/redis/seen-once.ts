import type { RedisClient } from '../../../redis/client.ts';
import type { SeenOnce } from '../stores.ts';
import { OWN } from './keys.ts';

/** What was seen, on Redis. When Redis is slow or down, nobody knows what is new. */
export class RedisSeenOnce implements SeenOnce {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async first(key: string, ttlSeconds: number): Promise<boolean> {
    return this.#redis.use(async (redis) => {
      const set = await redis.set(`${OWN}seen/${key}`, '1', { nx: true, ex: ttlSeconds });
      return set === 'OK';
    });
  }
}
