import * as z from 'zod';
import { instant, uuid } from '../ids.ts';

/** Where a session's files are, as its runner is told with every order that concerns them. */
export const sessionFiles = z.object({
  /** The owner's own part of the storage: the id of the owner's directory, so that a sweep finds it again. */
  owner: z.string().regex(/^[0-9a-f]{64}$/),
  /** Counts all that may change the files: each launch, each write from outside. A snapshot says which one it holds. */
  version: z.int().min(1),
  /**
   * What this runner has of them itself. `required`: it is newer than any snapshot, and nothing else will do; `preferred`: as
   * good as the snapshots, and at hand; `stale`: to be restored anew, for someone else has changed them since.
   */
  local: z.enum(['required', 'preferred', 'stale']),
  /** Snapshots to restore the workspace and the conversation from; null: it begins empty. */
  workspace: uuid.nullable(),
  conversation: uuid.nullable(),
  /** The snapshot that the workspace began with, for `diff`; null: it began empty. */
  start: uuid.nullable(),
  /** The conversation begins as a fork of this session's; null: it is its own. */
  fork_of: uuid.nullable(),
  /** Largest that the owner's part of the storage may grow, bytes; null: no quota. */
  quota_bytes: z.int().nullable(),
});
export type SessionFiles = z.infer<typeof sessionFiles>;

/** A path within the workspace: no leading slash; `''` is the workspace itself. Judged by the runner. */
const filePath = z.string().max(4096);

/** What a client asks of a session's files. */
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
    /** `HEAD`: the head alone. */
    head_only: z.boolean(),
  }),
  /** The folder at `path` as a tar archive. */
  z.object({ op: z.literal('pack'), path: filePath }),
  /** Writes one file, with the folders that it needs; what is there is replaced whole or not at all. */
  z.object({ op: z.literal('write'), path: filePath, mode: z.int().min(0).max(0o777).nullable() }),
  /** Unpacks a tar archive into the folder at `path`. */
  z.object({ op: z.literal('unpack'), path: filePath }),
  z.object({ op: z.literal('delete'), path: filePath, recursive: z.boolean() }),
  /** What has changed since the start: `changeList`, or a patch that `git apply` takes. */
  z.object({ op: z.literal('diff'), format: z.enum(['json', 'patch']) }),
  /** Keeps a copy of the file at `path`, as its agent names it, under this id: `sharedFile`. Asked again, it is the copy that there is. */
  z.object({ op: z.literal('share'), artifact_id: uuid, path: filePath }),
  /** The bytes of such a copy, out of the storage. The session's own files are neither needed nor made ready. */
  z.object({ op: z.literal('artifact'), artifact_id: uuid, range: z.string().max(128).nullable() }),
]);
export type FilesRequest = z.infer<typeof filesRequest>;

/** Requests that change files. */
export const WRITES: ReadonlySet<FilesRequest['op']> = new Set(['write', 'unpack', 'delete']);

export const fileEntry = z.object({
  /** Within the workspace. Bytes that are not UTF-8 show as U+FFFD. */
  path: z.string(),
  type: z.enum(['file', 'directory', 'symlink', 'other']),
  /** Bytes; of files alone. */
  size: z.int(),
  /** Permissions, such as `0644`. */
  mode: z.string(),
  modified_at: instant,
  /** Where a symlink points, as it is written. */
  target: z.string().optional(),
  /** In a recursive list, of a folder too far down: what is in it is not in the list. Ask for it by itself. */
  listed: z.literal(false).optional(),
});
export type FileEntry = z.infer<typeof fileEntry>;
export const fileList = z.object({ path: z.string(), data: z.array(fileEntry), next_cursor: z.string().nullable() });

/** The answer to a write: what is there now. */
export const writtenFiles = z.object({ path: z.string(), files: z.int(), bytes: z.int() });

export const fileChange = z.object({
  path: z.string(),
  change: z.enum(['added', 'modified', 'deleted']),
  type: z.enum(['file', 'directory', 'symlink']),
  /** Bytes before and after; null: not there. */
  old_size: z.int().nullable(),
  new_size: z.int().nullable(),
  old_mode: z.string().nullable(),
  new_mode: z.string().nullable(),
});
export type FileChange = z.infer<typeof fileChange>;
/** `start`: the snapshot that the workspace began with. */
export const changeList = z.object({ start: uuid.nullable(), data: z.array(fileChange) });

/** Why a runner refuses a request; each is a problem code of the API. */
export const filesRefusalCode = z.enum([
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
  'artifact_not_found',
  'artifact_too_large',
  'quota_exceeded',
]);
export type FilesRefusalCode = z.infer<typeof filesRefusalCode>;
export const filesRefusal = z.object({ code: filesRefusalCode, detail: z.string().max(8192) });
export type FilesRefusal = z.infer<typeof filesRefusal>;

/**
 * A transfer: one request and its answer, on a WebSocket of its own that the runner dials. Bodies go as binary messages, what
 * is about them as JSON text. Each side sends at most as many bytes as the other has granted (`credit`).
 */
export const runnerTransferFrame = z.discriminatedUnion('kind', [
  /** The answer begins: it is this. */
  z.object({
    kind: z.literal('head'),
    type: z.string().max(128),
    /** Bytes that follow; null: not known. */
    size: z.int().nullable(),
    /** Of a part: the first and last byte, and the size of the whole. */
    range: z.object({ first: z.int(), last: z.int(), total: z.int() }).nullable(),
    modified_at: instant.nullable(),
    etag: z.string().max(256).nullable(),
  }),
  /** Instead of a head, or after it, when the rest cannot be had. */
  z.object({ kind: z.literal('refused'), refusal: filesRefusal }),
  z.object({ kind: z.literal('end') }),
  z.object({ kind: z.literal('credit'), bytes: z.int().min(1) }),
]);
export type RunnerTransferFrame = z.infer<typeof runnerTransferFrame>;

export const edgeTransferFrame = z.discriminatedUnion('kind', [
  /** The client's body is whole. */
  z.object({ kind: z.literal('end') }),
  z.object({ kind: z.literal('credit'), bytes: z.int().min(1) }),
]);
export type EdgeTransferFrame = z.infer<typeof edgeTransferFrame>;

/** Bytes that a side grants at the beginning, and keeps granted; largest binary message. */
export const TRANSFER_WINDOW = 4 * 1024 * 1024;
export const TRANSFER_CHUNK = 256 * 1024;
