import * as z from 'zod';
import {
  gitBranch,
  gitDepth,
  gitRepo,
  MAX_REPOSITORIES,
  placeRepositories,
  repositories,
  type PlacedRepository,
  type Repository,
} from '../../git/repository.ts';
import { WORKSPACE } from '../../git/repository-path.ts';
import { instant, uuid } from '../../ids.ts';

/** The name of a persistent workspace. Each owner has names of their own. */
export const workspaceId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'must be a workspace’s name: letters, digits, dots, dashes, underscores',
  );

const start = {
  git_repo: gitRepo.optional(),
  git_branch: gitBranch.optional(),
  /** Commits to fetch of each branch, the newest first. Absent: all. */
  git_depth: gitDepth.optional(),
  /** False: submodules are not fetched. */
  git_submodules: z.boolean().optional(),
  /**
   * Repositories that are cloned into folders of the workspace, in this order; after `git_repo`, which has the workspace
   * itself.
   */
  git: repositories.optional(),
  snapshot: uuid.optional(),
};

/** Settings of a clone, which mean nothing without one. */
const CLONE_SETTINGS = ['git_branch', 'git_depth', 'git_submodules'] as const;

/**
 * Where the agent works. `ephemeral` lives as long as its session. `persistent` belongs to the owner, who names it by its
 * `id`; one session at a time leases it. `clone` is an ephemeral copy of a persistent one. A workspace begins empty, with a
 * clone of `git_repo`, or with the files of `snapshot`. A persistent one keeps the files of the session before: a
 * `git_repo` that they are a clone of is fetched.
 */
export const workspace = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('ephemeral'), ...start }),
    z.strictObject({ type: z.literal('persistent'), id: workspaceId.optional(), ...start }),
    z.strictObject({ type: z.literal('clone'), id: workspaceId, snapshot: uuid.optional() }),
  ])
  .superRefine((value, context) => {
    if (value.type === 'clone') return;
    const { git_repo, snapshot } = value;
    for (const name of CLONE_SETTINGS)
      if (value[name] !== undefined && git_repo === undefined)
        context.addIssue({ code: 'custom', path: [name], message: 'needs a git_repo' });
    if (snapshot !== undefined)
      for (const name of ['git_repo', 'git'] as const)
        if (value[name] !== undefined)
          context.addIssue({ code: 'custom', path: ['snapshot'], message: `cannot be combined with ${name}` });
    if (git_repo === undefined || value.git === undefined) return;
    const list = listOf(value);
    if (list.length > MAX_REPOSITORIES)
      context.addIssue({
        code: 'custom',
        path: ['git'],
        message: `must be at most ${MAX_REPOSITORIES - 1} beside git_repo`,
      });
    const placed = placeRepositories(list);
    if ('message' in placed)
      context.addIssue({ code: 'custom', path: ['git', placed.index - 1, 'path'], message: placed.message });
  });
export type Workspace = z.infer<typeof workspace>;

/** The repositories that a workspace begins with, each with its folder, in the order in which they are cloned. */
export function repositoriesOf(of: Workspace): PlacedRepository[] {
  const placed = placeRepositories(of.type === 'clone' ? [] : listOf(of));
  // Each workspace was parsed.
  if ('message' in placed) throw new Error(`workspace.git ${placed.message}`);
  return placed;
}

function listOf(of: Exclude<Workspace, { type: 'clone' }>): Repository[] {
  const { git_repo: repo, git_branch: branch, git_depth: depth, git_submodules: submodules, git = [] } = of;
  if (repo === undefined) return git;
  const own = {
    repo,
    path: WORKSPACE,
    ...(branch !== undefined && { branch }),
    ...(depth !== undefined && { depth }),
    ...(submodules !== undefined && { submodules }),
  };
  return [own, ...git];
}

/**
 * Why a snapshot was taken. `start`: the files that the agent began with, after a clone. `written`: after a write from
 * outside.
 */
export const snapshotTrigger = z.enum(['requested', 'periodic', 'parked', 'start', 'written', 'forked']);
export type SnapshotTrigger = z.infer<typeof snapshotTrigger>;

/** `pending`: not stored yet, and tried again. `failed`: not stored, and given up. */
export const snapshotState = z.enum(['pending', 'stored', 'failed']);
export type SnapshotState = z.infer<typeof snapshotState>;

/** Something that a snapshot does not hold, and why: for example a socket, or a file that kept changing. */
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
  /** When it was stored or given up. */
  finished_at: instant.nullable(),
  /** Number of files, folders and links. */
  files: z.int(),
  /** Size of the files, bytes. */
  bytes: z.int(),
  /** Bytes that it added to the storage. */
  new_bytes: z.int(),
  skipped: z.array(skippedFile),
  /** Why it is not stored yet, or why it was given up. */
  detail: z.string().nullable(),
});
export type SnapshotView = z.infer<typeof snapshotView>;

/** `GET /sessions/{id}/snapshots`, the newest first. */
export const snapshotList = z.object({ data: z.array(snapshotView), next_cursor: z.string().nullable() });

/** `POST /sessions/{id}/fork`. */
export const forkRequest = z.strictObject({
  /** The session's snapshot to fork from; absent: its present state. */
  snapshot: uuid.optional(),
});

/** One of the owner's persistent workspaces. */
export const workspaceView = z.object({
  id: workspaceId,
  created_at: instant,
  updated_at: instant,
  /** The session that leases it; null: it is free. */
  held_by: uuid.nullable(),
  /** The newest stored snapshot; null: there is none. */
  snapshot_id: uuid.nullable(),
  bytes: z.int(),
});
export type WorkspaceView = z.infer<typeof workspaceView>;
export const workspaceList = z.object({ data: z.array(workspaceView), next_cursor: z.string().nullable() });

/** `GET /storage`: what the owner has stored. */
export const storageView = z.object({
  /** Size of all snapshots and artifacts in the storage, bytes, as last measured. */
  bytes: z.int(),
  /** Size of the logs, messages and all else that sessions keep for themselves, bytes, as they last reported. */
  session_bytes: z.int(),
  /** Size of the list of sessions, with what is kept of each there, bytes. */
  directory_bytes: z.int(),
  /** All of that. The quota is for it. */
  total_bytes: z.int(),
  /** Null: no quota. */
  quota_bytes: z.int().nullable(),
  snapshots: z.int(),
  workspaces: z.int(),
});
export type StorageView = z.infer<typeof storageView>;
