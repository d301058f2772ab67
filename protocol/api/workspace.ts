import * as z from 'zod';
import { instant, uuid } from '../ids.ts';

/** The name of a persistent workspace, its owner's own. */
export const workspaceId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'must be a workspace’s name: letters, digits, dots, dashes, underscores',
  );

/** What `git clone` is given. A credential has no place in it: the runner’s secrets are for that (`config.secrets`). */
const gitRepo = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL of a repository' })
  .max(2048)
  .refine((url) => {
    const { username, password } = new URL(url);
    return username === '' && password === '';
  }, 'must not hold a user name or password: name one of the runner’s secrets in config.secrets');

/** A branch or tag, by git's own rules for names (git-check-ref-format), as far as they keep it from being anything else. */
const gitBranch = z
  .string()
  .max(255)
  .regex(
    /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$|[/.]$))[^\p{Cc}\s~^:?*[\\]+$/u,
    'must be the name of a branch or tag',
  );

const start = { git_repo: gitRepo.optional(), git_branch: gitBranch.optional(), snapshot: uuid.optional() };

/**
 * Where the agent works. `ephemeral` lives as long as its session; `persistent` is the owner's, found again by its
 * `id`, held by one session at a time; `clone` is an ephemeral copy of a persistent one. It begins empty, with a clone of
 * `git_repo`, or with the files of `snapshot`; a persistent one begins as it was left.
 */
export const workspace = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('ephemeral'), ...start }),
    z.strictObject({ type: z.literal('persistent'), id: workspaceId.optional(), ...start }),
    z.strictObject({ type: z.literal('clone'), id: workspaceId, snapshot: uuid.optional() }),
  ])
  .superRefine((value, context) => {
    if (value.type === 'clone') return;
    const { git_repo, git_branch, snapshot } = value;
    if (git_branch !== undefined && git_repo === undefined)
      context.addIssue({ code: 'custom', path: ['git_branch'], message: 'needs a git_repo' });
    if (git_repo !== undefined && snapshot !== undefined)
      context.addIssue({ code: 'custom', path: ['snapshot'], message: 'cannot be combined with git_repo' });
  });
export type Workspace = z.infer<typeof workspace>;

/** Why a snapshot was taken. `start`: what the agent found, after a clone; `written`: after a write from outside. */
export const snapshotTrigger = z.enum(['requested', 'periodic', 'parked', 'start', 'written', 'forked']);
export type SnapshotTrigger = z.infer<typeof snapshotTrigger>;

/** `pending`: not saved, and tried again. `failed`: not saved, given up. */
export const snapshotState = z.enum(['pending', 'stored', 'failed']);
export type SnapshotState = z.infer<typeof snapshotState>;

/** Something that a snapshot does not hold, and why: a socket, a file that never held still. */
export const skippedFile = z.object({ path: z.string().max(4096), why: z.string().max(512) });
export type SkippedFile = z.infer<typeof skippedFile>;

/** One snapshot of a session's workspace and conversation. */
export const snapshotView = z.object({
  snapshot_id: uuid,
  session_id: uuid,
  workspace_id: workspaceId.nullable(),
  state: snapshotState,
  trigger: snapshotTrigger,
  created_at: instant,
  /** When it was stored, or given up. */
  finished_at: instant.nullable(),
  /** Files, folders and links. */
  files: z.int(),
  /** What they hold, bytes. */
  bytes: z.int(),
  /** What storing it added to the storage, bytes. */
  new_bytes: z.int(),
  skipped: z.array(skippedFile),
  /** Why it is not stored yet, or never will be. */
  detail: z.string().nullable(),
});
export type SnapshotView = z.infer<typeof snapshotView>;

/** `GET /sessions/{id}/snapshots`, the newest first. */
export const snapshotList = z.object({ data: z.array(snapshotView), next_cursor: z.string().nullable() });

/** `POST /sessions/{id}/fork`. */
export const forkRequest = z.strictObject({
  /** Fork from this one of the session's snapshots; absent: from how it is now. */
  snapshot: uuid.optional(),
});
export type ForkRequest = z.infer<typeof forkRequest>;

/** One of the owner's persistent workspaces. */
export const workspaceView = z.object({
  id: workspaceId,
  created_at: instant,
  updated_at: instant,
  /** The session that holds it; null: free. */
  held_by: uuid.nullable(),
  /** The newest stored snapshot; null: nothing was ever saved. */
  snapshot_id: uuid.nullable(),
  bytes: z.int(),
});
export type WorkspaceView = z.infer<typeof workspaceView>;
export const workspaceList = z.object({ data: z.array(workspaceView), next_cursor: z.string().nullable() });

/** `GET /storage`: what the owner keeps. */
export const storageView = z.object({
  /** What all snapshots and artifacts take in the storage, bytes, as last measured. */
  bytes: z.int(),
  /** Null: no quota. */
  quota_bytes: z.int().nullable(),
  snapshots: z.int(),
  workspaces: z.int(),
});
export type StorageView = z.infer<typeof storageView>;
