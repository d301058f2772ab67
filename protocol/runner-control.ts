import * as z from 'zod';
import { epoch, uuid } from './ids.ts';
import { reason } from './reason.ts';
import { resources, sessionConfig, workspace } from './session-config.ts';

/** The control socket: one per runner, dialled by the runner, to the pool it serves. JSON text frames. */

/** One launch of one session. The same (session, epoch) twice is one container. */
export const placementKey = z.object({ session_id: uuid, epoch });
export type PlacementKey = z.infer<typeof placementKey>;

/** What a runner needs to start a container; it decides alone how. */
export const launch = placementKey.extend({
  /** Opens this session's data socket, for this epoch alone. */
  token: z.string(),
  resume: z.boolean(),
  config: sessionConfig,
  workspace,
});
export type Launch = z.infer<typeof launch>;

export const backendName = z.enum(['docker', 'process']);
export type BackendName = z.infer<typeof backendName>;

/** How the runner's backend is, in words a user can act on. */
export const backendHealth = z.object({ ok: z.boolean(), detail: z.string().max(2048) });
export type BackendHealth = z.infer<typeof backendHealth>;

/** Runner → pool. */
export const runnerFrame = z.discriminatedUnion('kind', [
  /** First on every connection. */
  z.object({
    kind: z.literal('hello'),
    version: z.string(),
    backend: backendName,
    health: backendHealth,
    /** Containers that it runs at once. */
    capacity: z.int().min(0),
    labels: z.record(z.string(), z.string()),
    running: z.array(placementKey),
  }),
  /** The container runs, with these limits, and with these secrets inside it (the operator exposes them). */
  placementKey.extend({
    kind: z.literal('started'),
    resources: resources.nullable(),
    exposed_secrets: z.array(z.string()),
  }),
  /**
   * The container is gone, or never came to be, and all that it said has been stored. Sent again until `ended_ack`.
   */
  placementKey.extend({ kind: z.literal('ended'), reason }),
  /** What a `remove` asked for: the session's files are gone. */
  z.object({ kind: z.literal('removed'), session_id: uuid }),
  z.object({ kind: z.literal('health'), health: backendHealth }),
  /** It takes no more launches and is ending what it runs. */
  z.object({ kind: z.literal('draining') }),
]);
export type RunnerFrame = z.infer<typeof runnerFrame>;

/** Pool → runner. */
export const poolFrame = z.discriminatedUnion('kind', [
  /** Answers `hello`: of what it runs, these are wanted; it ends the rest. */
  z.object({ kind: z.literal('welcome'), wanted: z.array(placementKey) }),
  z.object({ kind: z.literal('launch'), launch }),
  placementKey.extend({ kind: z.literal('stop') }),
  placementKey.extend({ kind: z.literal('ended_ack') }),
  /** The session is deleted: end what runs of it and remove its files. Sent again until `removed`. */
  z.object({ kind: z.literal('remove'), session_id: uuid }),
]);
export type PoolFrame = z.infer<typeof poolFrame>;

/** Keeps the control socket alive and shows that the runner is: sent by the runner, answered with the same text. */
export const HEARTBEAT = '{"kind":"heartbeat"}';
/** Milliseconds between heartbeats; a runner that missed three is taken for lost. */
export const HEARTBEAT_MS = 10_000;
