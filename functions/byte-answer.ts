import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { problem } from '../protocol/api/problem.ts';
import type { AppEnv } from './app-env.ts';

type C = Context<AppEnv>;

/** What a session's object answers with a status of 400. */
export const transferRefusal = z.object({ refused: problem.shape.code, detail: z.string() });

/** Of bytes that are an agent's: nothing that a browser is shown of them may run in this service's name, whatever it is. */
export const HARMLESS = {
  'cache-control': 'private, no-cache',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
} as const;

/** The part that is asked for; the runner knows what of it makes sense. */
export function rangeOf(c: C): string | null {
  const range = c.req.header('range');
  return range === undefined || range.length > 128 ? null : range;
}

const opaque = (tag: string) => tag.trim().replace(/^W\//, '');

/** `If-None-Match` names it, or is `*` (RFC 9110, 13.1.2: compared weakly). */
export function matches(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag)) ?? false;
}
