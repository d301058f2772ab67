import * as z from 'zod';
import { instant } from './ids.ts';
import { backendName, runnerDisk } from './link/runner-control.ts';

/** The state of the pool and its runners, for everybody to read. */
const poolHealth = z.object({
  /** Some connected runner can start containers. */
  ok: z.boolean(),
  /** Why the pool did not say how it is. Absent: it did. */
  detail: z.string().optional(),
  runners: z.array(
    z.object({
      name: z.string(),
      /** The pool that it is in. Absent: the default one. */
      pool: z.string().optional(),
      backend: backendName,
      ok: z.boolean(),
      detail: z.string(),
      capacity: z.int(),
      running: z.int(),
      draining: z.boolean(),
      /** Its operator has it take no sessions. Absent: it takes them. */
      cordoned: z.boolean().optional(),
      /** Frames and fields of it that this edge did not know, and passed over: it is newer. */
      unknown_frames: z.int().optional(),
      /** Absent: the runner does not say. */
      disk: runnerDisk.optional(),
    }),
  ),
  /** Number of sessions that wait for a place. */
  waiting: z.int(),
});
export type PoolHealth = z.infer<typeof poolHealth>;

/** Free space where the edge keeps its state. `low`: less than `floor_mb` (`DISK_FLOOR_MB`), so it takes no new work. */
export const edgeDisk = runnerDisk.extend({ floor_mb: z.int().min(0) });
export type EdgeDisk = z.infer<typeof edgeDisk>;

/**
 * `GET /health`. `degraded`: the edge answers, but no session can start. `failing`, with 503: state cannot be written and
 * read, or an object does not answer.
 */
export const health = z.object({
  status: z.enum(['ok', 'degraded', 'failing']),
  version: z.string(),
  /** By the service's clock. Absent: it is of an earlier version. */
  time: instant.optional(),
  parts: z.object({
    /** `ok`: state was written and read. `detail`: why not. */
    edge: z.object({ ok: z.boolean(), detail: z.string().optional(), disk: edgeDisk.optional() }),
    pool: poolHealth,
  }),
});

/** `GET /ready`, with 200. */
export const readiness = z.object({ ready: z.literal(true) });
