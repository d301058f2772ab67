import * as z from 'zod';

/** A Redis with Upstash's REST protocol. Both settings, or none. */
export const redisSettings = z.object({
  UPSTASH_REDIS_REST_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1).optional(),
});
