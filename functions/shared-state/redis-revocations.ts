import type { RedisClient } from '../../redis/client.ts';
import { OWN } from './redis-keys.ts';
import type { CheckedToken, Revocations, Revoked } from './shared-state.ts';

/** How long this isolate believes that a token is not revoked, milliseconds: a revocation is heard everywhere after that. */
export const BELIEVED_MS = 2000;
/** Tokens of which this isolate remembers what Redis said. */
const MAX_REMEMBERED = 10_000;

/** The one member of a user's sorted set. Its score is the time before which all tokens are revoked: `ZADD GT` only raises it. */
const BEFORE = 'before';

/** Revoked tokens on Redis. When Redis is slow or down, no token is good that was not asked about just before. */
export class RedisRevocations implements Revocations {
  readonly #redis: RedisClient;
  readonly #now: () => number;
  /** When Redis last said of a token that it is not revoked, by the token; the oldest first. */
  readonly #good = new Map<string, number>();

  constructor(redis: RedisClient, now: () => number = Date.now) {
    this.#redis = redis;
    this.#now = now;
  }

  async revoke(what: Revoked): Promise<void> {
    this.#good.clear();
    const until = Math.ceil(what.until);
    if (until <= this.#now()) return;
    await this.#redis.use(async (redis) => {
      const transaction = redis.multi();
      if ('jti' in what) {
        transaction.set(jtiKey(what.jti), '1', { pxat: until });
      } else {
        const key = subKey(what.sub);
        transaction.zadd(key, { gt: true }, { score: what.before, member: BEFORE });
        // A later end of an earlier call stays. `GT` alone never sets the first one.
        transaction.pexpireat(key, until, 'NX');
        transaction.pexpireat(key, until, 'GT');
      }
      await transaction.exec();
    });
    // What was asked meanwhile may not have known of it.
    this.#good.clear();
  }

  async isRevoked(token: CheckedToken): Promise<boolean> {
    const name = JSON.stringify([token.jti, token.sub, token.issuedAt]);
    const now = this.#now();
    const asked = this.#good.get(name);
    if (asked !== undefined && now < asked + BELIEVED_MS) return false;
    const revoked = await this.#redis.use(async (redis) => {
      const pipeline = redis.pipeline();
      // Of a token without a `jti`, the key of none.
      pipeline.exists(jtiKey(token.jti ?? ''));
      pipeline.zscore(subKey(token.sub), BEFORE);
      const [named, before] = await pipeline.exec<[number, string | number | null]>();
      if (token.jti !== null && named > 0) return true;
      return before !== null && (token.issuedAt === null || token.issuedAt < Number(before));
    });
    this.#good.delete(name);
    if (!revoked) this.#remember(name, now);
    return revoked;
  }

  #remember(name: string, now: number): void {
    if (this.#good.size >= MAX_REMEMBERED) {
      const [oldest] = this.#good.keys();
      if (oldest !== undefined) this.#good.delete(oldest);
    }
    this.#good.set(name, now);
  }
}

const jtiKey = (jti: string) => `${OWN}revoked/jti/${jti}`;
const subKey = (sub: string) => `${OWN}revoked/sub/${sub}`;
