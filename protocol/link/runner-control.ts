import * as z from 'zod';
import { epoch, instant, uuid } from '../ids.ts';
import { reason } from '../reason.ts';
import { filesRefusal, filesRequest, sessionFiles } from '../api/files.ts';
import { resources, sessionConfig } from '../api/session-config.ts';
import { skippedFile, snapshotState, snapshotTrigger, workspace } from '../api/workspace.ts';

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
  /** The session whose workspace this one works in, beside its container there; absent: its own. */
  workspace_of: uuid.optional(),
  files: sessionFiles,
});
export type Launch = z.infer<typeof launch>;

export const backendName = z.enum(['docker', 'process']);
export type BackendName = z.infer<typeof backendName>;

/** How the runner's backend is, in words a user can act on. */
export const backendHealth = z.object({ ok: z.boolean(), detail: z.string().max(2048) });
export type BackendHealth = z.infer<typeof backendHealth>;

/** Where a runner keeps snapshots. Runners with the same `id` see the same ones. */
export const storageInfo = z.object({
  id: z.string().max(128),
  kind: z.enum(['folder', 's3']),
  health: backendHealth,
});
export type StorageInfo = z.infer<typeof storageInfo>;

/** The two trees of files that a snapshot consists of. */
export const treeKind = z.enum(['workspace', 'conversation']);
export type TreeKind = z.infer<typeof treeKind>;
/** What an owner's part of the storage holds: those two of each snapshot, and artifacts, each a tree of its one file under its own id. */
export const storedTree = z.enum([...treeKind.options, 'artifact']);
export const treeName = z.object({ snapshot_id: uuid, tree: storedTree });
export type TreeName = z.infer<typeof treeName>;

/** What a runner has to say of a snapshot. */
export const snapshotReport = z.object({
  snapshot_id: uuid,
  trigger: snapshotTrigger,
  state: snapshotState,
  /** The `version` of the files that it holds. */
  version: z.int().min(1),
  /** Nothing ran that could have changed them since: it holds that version whole. */
  final: z.boolean(),
  /** The storage that has it. */
  storage: z.string().max(128),
  created_at: instant,
  files: z.int(),
  bytes: z.int(),
  new_bytes: z.int(),
  /** What the owner's part of the storage takes by now, bytes; null: not measured. */
  owner_bytes: z.int().nullable(),
  skipped: z.array(skippedFile).max(20),
  detail: z.string().max(8192).nullable(),
});
export type SnapshotReport = z.infer<typeof snapshotReport>;

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
    storage: storageInfo,
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
  z.object({ kind: z.literal('health'), health: backendHealth, storage: backendHealth }),
  /** Sent again until `snapshot_ack`, but for `pending`, which is news alone. */
  z.object({ kind: z.literal('snapshot'), session_id: uuid, report: snapshotReport }),
  /** These trees are stored and old enough to be known: which does nothing refer to? Answered with `drop`. */
  z.object({ kind: z.literal('sweep'), owner: sessionFiles.shape.owner, trees: z.array(treeName).max(1000) }),
  /** A transfer that was ordered cannot be had: the runner does not come. */
  z.object({ kind: z.literal('transfer_refused'), session_id: uuid, transfer_id: uuid, refusal: filesRefusal }),
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
  /** Take a snapshot of the session's files as they are now, whether a container runs or not. */
  z.object({
    kind: z.literal('snapshot'),
    session_id: uuid,
    snapshot_id: uuid,
    trigger: snapshotTrigger,
    files: sessionFiles,
  }),
  z.object({ kind: z.literal('snapshot_ack'), snapshot_id: uuid }),
  /** Dial `/api/v1/runner/sessions/{session_id}/transfers/{transfer_id}` and answer this there. */
  z.object({
    kind: z.literal('transfer'),
    session_id: uuid,
    transfer_id: uuid,
    files: sessionFiles,
    request: filesRequest,
  }),
  /** Nothing refers to these trees any more. What gets lost of this, a sweep finds. */
  z.object({ kind: z.literal('drop'), owner: sessionFiles.shape.owner, trees: z.array(treeName).max(1000) }),
]);
export type PoolFrame = z.infer<typeof poolFrame>;

/** Keeps the control socket alive and shows that the runner is: sent by the runner, answered with the same text. */
export const HEARTBEAT = '{"kind":"heartbeat"}';
/** Milliseconds between heartbeats; a runner that missed three is taken for lost. */
export const HEARTBEAT_MS = 10_000;
