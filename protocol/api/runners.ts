import * as z from 'zod';
import { instant } from '../ids.ts';
import { backendHealth, backendName, runnerDisk, storageInfo } from '../link/runner-control.ts';

/** A runner as its operator sees it. What a runner has never said, or is too old to say, is null. */
export const runnerView = z.object({
  name: z.string(),
  /** Which sessions it takes: those with this `config.runner.pool`. */
  pool: z.string(),
  /**
   * `connected`: it takes sessions. `cordoned`: it takes none, and what runs there goes on. `draining`: its sessions leave too. `away`: it is
   * not connected; what it had when it was last seen is shown.
   */
  state: z.enum(['connected', 'away', 'draining', 'cordoned']),
  /** The operator has cordoned it, or drains it: that holds until it is taken back, over restarts. */
  cordoned: z.boolean(),
  cordoned_at: instant.nullable(),
  /** CC-Docker's version. */
  version: z.string().nullable(),
  /** The version of what it says to the edge. One more or less than the edge's works. */
  protocol: z.int().nullable(),
  backend: backendName.nullable(),
  /** It builds images of environments with `setup`: sessions with one wait for such a runner. Null: it was never connected. */
  environments: z.boolean().nullable(),
  /** `RUNNER_LABELS`. */
  labels: z.record(z.string(), z.string()),
  /** Containers that it has at most, has, and could take now. */
  capacity: z.int(),
  running: z.int(),
  free: z.int(),
  /** Containers that wait for a session (`WARM_SESSIONS`). They take no place. Null: it does not say, or is away. */
  spares: z.int().nullable(),
  /**
   * Cores and memory for its sessions, and what of it those take that it has: what each asks (`config.resources`), or else one place's
   * share. Null: it does not say, and its places alone are counted.
   */
  resources: z
    .object({
      total: z.object({ cpus: z.number(), memory_mb: z.number() }),
      used: z.object({ cpus: z.number(), memory_mb: z.number() }),
    })
    .nullable(),
  /** It was lost too often: until then it gets no session that another runner can have. Null: it was not. */
  rests_until: instant.nullable(),
  /** The session that waits for it to have enough room, and for which it takes no other one; null: none does. */
  kept_for: z.string().nullable(),
  health: backendHealth.nullable(),
  /** Where it keeps snapshots. Runners with the same `id` wake each other's sessions. */
  storage: storageInfo.omit({ health: true }).extend(backendHealth.shape).nullable(),
  disk: runnerDisk.nullable(),
  /** Frames and fields of it that this edge did not know, and passed over. */
  unknown_frames: z.int(),
  /** When its last heartbeat came; null: it has never been connected. */
  last_seen: instant.nullable(),
});
export type RunnerView = z.infer<typeof runnerView>;

/** `GET /runners`, by name. */
export const runnerList = z.object({ data: z.array(runnerView), next_cursor: z.null() });
