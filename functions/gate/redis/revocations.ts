import type { Revocation, TokenMark } from '../../../durable/rpc/gate-rpc.ts';
import type { RedisClient } from '../../../redis/client.ts';
import type { Revocations } from '../stores.ts';
import { OWN } from './keys.ts';

/** The one member of a user's sorted set. Its score is the time before which all tokens are revoked: `ZADD GT` only raises it. */
const BEFORE = 'before';

/** Revoked tokens on Redis, for ever where nobody knows how long they live. When Redis is slow or down, nobody knows which are good. */
export class RedisRevocations implements Revocations {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async revoke(what: Revocation): Promise<void> {
    await this.#redis.use(async (redis) => {
      if ('jti' in what && what.until !== undefined) await redis.set(jtiKey(what.jti), '1', { pxat: what.until });
      else if ('jti' in what) await redis.set(jtiKey(what.jti), '1');
      else await redis.zadd(subKey(what.sub), { gt: true }, { score: what.before, member: BEFORE });
    });
  }

  isRevoked({ jti, sub, issued, of }: TokenMark): Promise<boolean> {
    return this.#redis.use(async (redis) => {
      const pipeline = redis.pipeline();
      // Of a token without a `jti`, the key of none.
      pipeline.exists(jtiKey(jti ?? ''), jtiKey(of ?? ''));
      pipeline.zscore(subKey(sub), BEFORE);
      const [named, before] = await pipeline.exec<[number, string | number | null]>();
      if (named > 0) return true;
      return before !== null && (issued === null || issued < Number(before));
    });
  }
}

const jtiKey = (jti: string) => `${OWN}revoked/jti/${jti}`;
const subKey = (sub: string) => `${OWN}revoked/sub/${sub}`;
