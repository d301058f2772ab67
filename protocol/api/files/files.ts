import * as z from 'zod';
import { instant, uuid } from '../../ids.ts';

/** Where a session's files are. The runner gets this with every command that concerns them. */
export const sessionFiles = z.object({
  /** Names the owner's part of the storage. It is the id of the owner's Directory, so that a sweep finds that again. */
  owner: z.string().regex(/^[0-9a-f]{64}$/),
  /**
   * Counts everything that may change the files: each launch, each write from outside. A snapshot names the version it
   * holds.
   */
  version: z.int().min(1),
  /**
   * The runner's own copy of the files. `required`: it is newer than every snapshot, so it must be used. `preferred`: it is as
   * good as the snapshots, and quicker. `stale`: it is outdated, so the files must be restored from the snapshots.
   */
  local: z.enum(['required', 'preferred', 'stale']),
  /** The snapshots to restore the workspace and the conversation from; null: it begins empty. */
  workspace: uuid.nullable(),
  conversation: uuid.nullable(),
  /** The snapshot that the workspace began with, the base of `diff`; null: it began empty. */
  start: uuid.nullable(),
  /** The conversation begins as a fork of this conversation of Claude Code's; null: it begins on its own. */
  fork_of: uuid.nullable(),
  /** Quota of the owner's part of the storage, bytes; null: no quota. */
  quota_bytes: z.int().nullable(),
});
export type SessionFiles = z.infer<typeof sessionFiles>;

/** A path within the workspace: no leading slash; `''` is the workspace itself. The runner validates it. */
const filePath = z.string().max(4096);

/** A client's request for a session's files. */
export const filesRequest = z.discriminatedUnion('op', [
  /** What is at `path`: a file's bytes, or a folder's entries (`fileList`). */
  z.object({
    op: z.literal('read'),
    path: filePath,
    /** As in HTTP: `bytes=0-99`, `bytes=100-`, `bytes=-100`; one range. */
    range: z.string().max(128).nullable(),
    recursive: z.boolean(),
    limit: z.int().min(1).max(10_000),
    cursor: z.string().max(8192).nullable(),
    /** For `HEAD`: send no body. */
    head_only: z.boolean(),
  }),
  /** The folder at `path` as a tar archive. */
  z.object({ op: z.literal('pack'), path: filePath }),
  /** Writes one file, and creates the folders that it needs. The file at `path` is replaced atomically. */
  z.object({ op: z.literal('write'), path: filePath, mode: z.int().min(0).max(0o777).nullable() }),
  /** Unpacks a tar archive into the folder at `path`. */
  z.object({ op: z.literal('unpack'), path: filePath }),
  z.object({ op: z.literal('delete'), path: filePath, recursive: z.boolean() }),
  /** The changes since the start: `changeList`, or a patch for `git apply`. */
  z.object({ op: z.literal('diff'), format: z.enum(['json', 'patch']) }),
  /**
   * Stores a copy of the file at `path`, in the agent's notation, under this id: `sharedFile`. Idempotent by the id.
   */
  z.object({ op: z.literal('share'), artifact_id: uuid, path: filePath }),
  /** The bytes of such a copy, from the storage. The session's own files are not needed for it. */
  z.object({ op: z.literal('artifact'), artifact_id: uuid, range: z.string().max(128).nullable() }),
]);
export type FilesRequest = z.infer<typeof filesRequest>;

/** Requests that change files. */
export const WRITES: ReadonlySet<FilesRequest['op']> = new Set(['write', 'unpack', 'delete']);

const fileEntry = z.object({
  /** Within the workspace. Bytes that are not UTF-8 become U+FFFD. */
  path: z.string(),
  type: z.enum(['file', 'directory', 'symlink', 'other']),
  /** Bytes; 0 for anything but a file. */
  size: z.int(),
  /** Permissions, such as `0644`. */
  mode: z.string(),
  modified_at: instant,
  /** The target of a symlink, as it is written. */
  target: z.string().optional(),
  /**
   * False in a recursive list: the entries of this folder are missing. It is too deep (list the folder itself), or
   * `unreadable`.
   */
  listed: z.literal(false).optional(),
  /** This folder's permissions keep the runner out. */
  unreadable: z.literal(true).optional(),
});
export type FileEntry = z.infer<typeof fileEntry>;
export const fileList = z.object({ path: z.string(), data: z.array(fileEntry), next_cursor: z.string().nullable() });

/** The answer to a write: what was written. */
export const writtenFiles = z.object({ path: z.string(), files: z.int(), bytes: z.int() });

const fileChange = z.object({
  path: z.string(),
  change: z.enum(['added', 'modified', 'deleted']),
  type: z.enum(['file', 'directory', 'symlink']),
  /** Bytes before and after; null: the file did not exist. */
  old_size: z.int().nullable(),
  new_size: z.int().nullable(),
  old_mode: z.string().nullable(),
  new_mode: z.string().nullable(),
  /** Its permissions keep the runner out, so its content, or what is in the folder, is not compared. */
  unreadable: z.literal(true).optional(),
});
export type FileChange = z.infer<typeof fileChange>;
/** `start`: the snapshot that the workspace began with. */
export const changeList = z.object({ start: uuid.nullable(), data: z.array(fileChange) });

/** Why a runner refuses a request. Each is also a problem code of the API. */
const filesRefusalCode = z.enum([
  'file_not_found',
  'path_invalid',
  'not_a_file',
  'not_a_directory',
  'directory_not_empty',
  'range_not_satisfiable',
  'archive_invalid',
  'workspace_full',
  'files_unavailable',
  'storage_unavailable',
  'file_busy',
  'file_access_denied',
  'artifact_not_found',
  'artifact_too_large',
  'quota_exceeded',
]);
export type FilesRefusalCode = z.infer<typeof filesRefusalCode>;
export const filesRefusal = z.object({ code: filesRefusalCode, detail: z.string().max(8192) });
export type FilesRefusal = z.infer<typeof filesRefusal>;

/** What an answer's bytes are. */
export const answerHead = z.object({
  type: z.string().max(128),
  /** Bytes that follow; null: not known. */
  size: z.int().nullable(),
  /** For a range: its first and last byte, and the size of the whole file. */
  range: z.object({ first: z.int(), last: z.int(), total: z.int() }).nullable(),
  modified_at: instant.nullable(),
  etag: z.string().max(256).nullable(),
});

/**
 * A transfer: one request and its answer, on a WebSocket of its own that the runner dials. Bodies are binary messages, frames
 * are JSON text. Each side sends at most as many bytes as the other has granted (`credit`).
 */
export const runnerTransferFrame = z.discriminatedUnion('kind', [
  /** The answer begins. */
  answerHead.extend({ kind: z.literal('head') }),
  /** Instead of a head, or after it when the rest cannot be read. */
  z.object({ kind: z.literal('refused'), refusal: filesRefusal }),
  z.object({ kind: z.literal('end') }),
  z.object({ kind: z.literal('credit'), bytes: z.int().min(1) }),
]);
export type RunnerTransferFrame = z.infer<typeof runnerTransferFrame>;

export const edgeTransferFrame = z.discriminatedUnion('kind', [
  /** The client's body is complete. */
  z.object({ kind: z.literal('end') }),
  z.object({ kind: z.literal('credit'), bytes: z.int().min(1) }),
]);
export type EdgeTransferFrame = z.infer<typeof edgeTransferFrame>;

/** Bytes that each side grants at the beginning, and then keeps granted. */
export const TRANSFER_WINDOW = 4 * 1024 * 1024;
/** Largest binary message, bytes. */
export const TRANSFER_CHUNK = 256 * 1024;
