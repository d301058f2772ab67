import * as z from 'zod';
import type { Refusal } from '../api/problem.ts';

const TIMEOUT_RULE = 'must be a whole number from 10 to 10000';

/** A Redis with Upstash's REST protocol. The URL and the token, or none of both. */
export const redisSettings = z.object({
  UPSTASH_REDIS_REST_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1).optional(),
  /** Longest time that a request waits for Redis, milliseconds: for each of limits, revocations and seen webhooks. */
  REDIS_TIMEOUT_MS: z.coerce
    .number(TIMEOUT_RULE)
    .int(TIMEOUT_RULE)
    .min(10, TIMEOUT_RULE)
    .max(10_000, TIMEOUT_RULE)
    .default(200),
});
export type RedisSettings = z.infer<typeof redisSettings>;

/** Refuses one of the settings without the other. */
export function bothOrNone({ value, issues }: z.core.ParsePayload<RedisSettings>): void {
  const names = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'] as const;
  const missing = names.filter((name) => value[name] === undefined);
  const [name] = missing;
  if (name === undefined || missing.length === names.length) return;
  const other = names.find((one) => one !== name);
  issues.push({ code: 'custom', input: undefined, path: [name], message: `must be set too, because ${other} is` });
}

/** Refuses what needs Redis; null: it is configured. @param what begins the sentence, such as `callback.type "pubsub"` */
export function withoutRedis(settings: Partial<RedisSettings>, what: string): Refusal | null {
  if (settings.UPSTASH_REDIS_REST_URL !== undefined) return null;
  const detail = `${what} needs Redis, which the operator has not configured: UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN.`;
  return { refused: 'redis_not_configured', detail };
}
