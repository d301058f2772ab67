import * as z from 'zod';
import { epoch, instant, uuid } from '../ids.ts';
import { reason } from '../reason.ts';
import { gitAuthor } from '../git/git-author.ts';
import { poolName } from '../settings/pools-setting.ts';
import { filesRefusal, filesRequest, sessionFiles } from '../api/files/files.ts';
import { launchEnvironment } from './environment/environment.ts';
import { moreTools } from './more-tools.ts';
import { protocolVersion } from './version-field.ts';
import { resources, launchConfig } from '../api/session/session-config.ts';
import { skippedFile, snapshotState, snapshotTrigger, workspace } from '../api/files/workspace.ts';

/** The control socket: each runner dials one to its pool. Frames are JSON text. */

/** Names one launch of one session. Two launches with the same session and epoch are one container. */
export const placementKey = z.object({ session_id: uuid, epoch });
export type PlacementKey = z.infer<typeof placementKey>;

/** What a runner needs to start a container. The runner alone decides how. */
export const launch = placementKey.extend({
  /** The token for this session's data socket, for this epoch only. */
  token: z.string(),
  resume: z.boolean(),
  /** Claude Code's id of the conversation to go on with; absent: it is the session's id. */
  conversation_id: uuid.optional(),
  config: launchConfig,
  /** What the agent may call besides `config.agent_tools`. Absent: an edge of an earlier version. */
  more_tools: moreTools.optional(),
  workspace,
  /** The session whose workspace this one shares, on the same runner; absent: it has its own. */
  workspace_of: uuid.optional(),
  files: sessionFiles,
  /** The environment whose image the container starts from. Absent: the service's own image. */
  environment: launchEnvironment.optional(),
  /** Who the session's commits are by, where nothing else says. Absent: an edge of an earlier version. */
  git_author: gitAuthor.optional(),
  /** The place in its trace of the turn that the container is launched for; absent: it is not traced. */
  traceparent: z.string().max(128).optional(),
  /** Labels that the runner must have. For the pool: a runner need not look. Absent: none. */
  labels: z.record(z.string(), z.string()).optional(),
  /** The pool that the session is in. For the pool. Absent: the default one. */
  pool: poolName.optional(),
});
export type Launch = z.infer<typeof launch>;

export const backendName = z.enum(['docker', 'process', 'ecs']);
export type BackendName = z.infer<typeof backendName>;

/** Whether a backend keeps sessions apart from each other and from its machine. */
export const isolates = (backend: BackendName): boolean => backend !== 'process';

/** The state of the runner's backend, in a sentence that a user can act on. */
export const backendHealth = z.object({ ok: z.boolean(), detail: z.string().max(2048) });
export type BackendHealth = z.infer<typeof backendHealth>;

/** Free space where a runner keeps its sessions' files. `low`: it is below the runner's floor. */
export const runnerDisk = z.object({ free_mb: z.int().min(0), low: z.boolean() });
export type RunnerDisk = z.infer<typeof runnerDisk>;

const cpusAndMemory = z.object({ cpus: z.number().min(0), memory_mb: z.number().min(0) });

/** What a runner's machine has for its sessions: for all together, and for one at most. */
const sessionResources = z.object({ total: cpusAndMemory, session: cpusAndMemory });
export type SessionResources = z.infer<typeof sessionResources>;

/** Where a runner stores snapshots. Runners with the same `id` see the same snapshots. */
export const storageInfo = z.object({
  id: z.string().max(128),
  kind: z.enum(['folder', 's3']),
  health: backendHealth,
});
export type StorageInfo = z.infer<typeof storageInfo>;

/** The two file trees of a snapshot. */
export const treeKind = z.enum(['workspace', 'conversation']);
export type TreeKind = z.infer<typeof treeKind>;
/**
 * The trees in an owner's part of the storage: the two of each snapshot, and one for each artifact, which holds its one
 * file.
 */
export const storedTree = z.enum([...treeKind.options, 'artifact']);
export const treeName = z.object({ snapshot_id: uuid, tree: storedTree });
export type TreeName = z.infer<typeof treeName>;

/** A runner's report on a snapshot. */
export const snapshotReport = z.object({
  snapshot_id: uuid,
  trigger: snapshotTrigger,
  state: snapshotState,
  /** The `version` of the files in it. */
  version: z.int().min(1),
  /** Nothing that could change the files was running: it holds that version completely. */
  final: z.boolean(),
  /** The id of the storage that has it. */
  storage: z.string().max(128),
  created_at: instant,
  files: z.int(),
  bytes: z.int(),
  new_bytes: z.int(),
  /** Size of the owner's part of the storage now, bytes; null: not measured. */
  owner_bytes: z.int().nullable(),
  skipped: z.array(skippedFile).max(20),
  detail: z.string().max(8192).nullable(),
});
export type SnapshotReport = z.infer<typeof snapshotReport>;

/** Most series that a runner tells. */
const MAX_SERIES = 200;

/** What a runner has counted since its process began, by series (protocol/metrics). Names that the edge does not know are not shown. */
const runnerMetrics = z
  .record(
    z
      .string()
      .max(200)
      .regex(/^[a-z_]+(?:\{[a-z_]+="[A-Za-z0-9_.+-]*"(?:,[a-z_]+="[A-Za-z0-9_.+-]*")*\})?$/),
    z.number().min(0),
  )
  .refine((counts) => Object.keys(counts).length <= MAX_SERIES);

/** Runner → pool. */
export const runnerFrame = z.discriminatedUnion('kind', [
  /** The first frame of every connection. */
  z.object({
    kind: z.literal('hello'),
    version: z.string(),
    /** Of the protocol (`protocol/link/protocol-version.ts`). Absent: 1, the version before there were numbers. */
    protocol: protocolVersion.optional(),
    backend: backendName,
    health: backendHealth,
    /** Most containers that it runs at once. */
    capacity: z.int().min(0),
    /** Absent: a runner of an earlier version, or one whose sessions run elsewhere. Its places alone are counted. */
    resources: sessionResources.optional(),
    labels: z.record(z.string(), z.string()),
    /** It builds images of environments. Absent: it does not, as runners of earlier versions and those without containers of their own. */
    environments: z.boolean().optional(),
    storage: storageInfo,
    /** Absent: a runner of an earlier version, which does not look. */
    disk: runnerDisk.optional(),
    /** Absent: a runner of an earlier version. */
    metrics: runnerMetrics.optional(),
    running: z.array(placementKey),
    /** It takes no launches, as after `draining`. Absent: it takes them. */
    draining: z.boolean().optional(),
  }),
  /** The container runs with these limits, and with these secrets inside it, which the operator exposes. */
  placementKey.extend({
    kind: z.literal('started'),
    resources: resources.nullable(),
    exposed_secrets: z.array(z.string()),
  }),
  /**
   * The container is gone or could not start, and the session has stored all of its output. Sent again until
   * `ended_ack`.
   */
  placementKey.extend({ kind: z.literal('ended'), reason }),
  /** Answers `remove`: the session's files are gone. */
  z.object({ kind: z.literal('removed'), session_id: uuid }),
  z.object({
    kind: z.literal('health'),
    health: backendHealth,
    storage: backendHealth,
    disk: runnerDisk.optional(),
    metrics: runnerMetrics.optional(),
  }),
  /** Sent again until `snapshot_ack`, except `pending`, which is only an update. */
  z.object({ kind: z.literal('snapshot'), session_id: uuid, report: snapshotReport }),
  /**
   * Asks which of these stored trees nothing refers to. All are old enough to be known by now. Answered with `drop`.
   */
  z.object({ kind: z.literal('sweep'), owner: sessionFiles.shape.owner, trees: z.array(treeName).max(1000) }),
  /** Answers `probe`. */
  z.object({ kind: z.literal('alive') }),
  /** Refuses a `transfer`: the runner will not dial it. */
  z.object({ kind: z.literal('transfer_refused'), session_id: uuid, transfer_id: uuid, refusal: filesRefusal }),
  /**
   * The runner takes no more launches. It ends its containers when its `DRAIN_TIMEOUT` is over, and wants its sessions to leave
   * before. `on: false`: it takes launches again.
   */
  z.object({ kind: z.literal('draining'), on: z.boolean().optional() }),
]);
export type RunnerFrame = z.infer<typeof runnerFrame>;

/** Pool → runner. */
export const poolFrame = z.discriminatedUnion('kind', [
  /** Another connection in this runner's name wants its place. `alive` keeps it. */
  z.object({ kind: z.literal('probe') }),
  /** Answers `hello`: the runner keeps these containers and ends all others. */
  z.object({
    kind: z.literal('welcome'),
    wanted: z.array(placementKey),
    /** As in `hello`. */
    protocol: protocolVersion.optional(),
  }),
  /** Drain, or take launches again. Answered with `draining`. Not sent to a runner of protocol 1. */
  z.object({ kind: z.literal('drain'), on: z.boolean() }),
  z.object({ kind: z.literal('launch'), launch }),
  placementKey.extend({ kind: z.literal('stop') }),
  placementKey.extend({ kind: z.literal('ended_ack') }),
  /** The session is deleted: end its container and remove its files. Sent again until `removed`. */
  z.object({ kind: z.literal('remove'), session_id: uuid }),
  /** Take a snapshot of the session's files now, whether its container runs or not. */
  z.object({
    kind: z.literal('snapshot'),
    session_id: uuid,
    snapshot_id: uuid,
    trigger: snapshotTrigger,
    files: sessionFiles,
  }),
  z.object({ kind: z.literal('snapshot_ack'), snapshot_id: uuid }),
  /** Dial `/api/v1/runner/sessions/{session_id}/transfers/{transfer_id}` and answer the request there. */
  z.object({
    kind: z.literal('transfer'),
    session_id: uuid,
    transfer_id: uuid,
    files: sessionFiles,
    request: filesRequest,
  }),
  /** Nothing refers to these trees any more: delete them. If this frame is lost, a sweep finds them. */
  z.object({ kind: z.literal('drop'), owner: sessionFiles.shape.owner, trees: z.array(treeName).max(1000) }),
]);
export type PoolFrame = z.infer<typeof poolFrame>;

/**
 * Keeps the control socket open and shows that the runner is alive. The runner sends it, the pool answers with the same
 * text.
 */
export const HEARTBEAT = '{"kind":"heartbeat"}';
/** Milliseconds between heartbeats. A runner that misses three counts as lost. */
export const HEARTBEAT_MS = 10_000;
