import * as z from 'zod';
import { backendName } from './link/runner-control.ts';

/** The state of the pool and its runners, for everybody to read. */
const poolHealth = z.object({
  /** Some connected runner can start containers. */
  ok: z.boolean(),
  runners: z.array(
    z.object({
      name: z.string(),
      backend: backendName,
      ok: z.boolean(),
      detail: z.string(),
      capacity: z.int(),
      running: z.int(),
      draining: z.boolean(),
    }),
  ),
  /** Number of sessions that wait for a place. */
  waiting: z.int(),
});
export type PoolHealth = z.infer<typeof poolHealth>;

/** `GET /health`. `degraded`: the edge answers, but no session can start. */
export const health = z.object({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  parts: z.object({ edge: z.object({ ok: z.literal(true) }), pool: poolHealth }),
});
