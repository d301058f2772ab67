import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { problem } from '../protocol/api/problem.ts';
import type { AppEnv } from './app-env.ts';

type C = Pick<Context<AppEnv>, 'req'>;

/** The body of a session object's answer with an error status. */
export const objectRefusal = z.object({
  refused: problem.shape.code,
  detail: z.string(),
  retry_after_seconds: z.number().exactOptional(),
});

/** Headers for bytes that an agent wrote: a browser must not run any of them in this service's name. */
export const SANDBOX_HEADERS = {
  'cache-control': 'private, no-cache',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
} as const;

/** The `Range` of the request; null: none. The runner decides whether it makes sense. */
export function rangeOf(c: C): string | null {
  const range = c.req.header('range');
  return range === undefined || range.length > 128 ? null : range;
}

const opaque = (tag: string) => tag.trim().replace(/^W\//, '');

/** Whether `If-None-Match` names it or is `*` (RFC 9110, 13.1.2: weak comparison). */
export function isNotModified(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag)) ?? false;
}
