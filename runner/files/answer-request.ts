import type { FilesRequest } from '../../protocol/api/files/files.ts';
import type { WriteLimits } from './paths/allowance.ts';
import type { Owner } from '../lib/session-folders.ts';
import { json, type SuccessAnswer, type FilesAnswer } from './answer.ts';
import { diffWorkspace } from './diff/diff-workspace.ts';
import { packFolder } from './read/pack-folder.ts';
import { readPath } from './read/read-path.ts';
import { FilesRefused } from './paths/refused.ts';
import { removePath } from './write/remove-path.ts';
import type { StartTree } from './diff/start-tree.ts';
import { unpackArchive } from './write/unpack-archive.ts';
import { writeFile } from './write/write-file.ts';

/** Requests that need only the session's files on this machine. */
export type TreeRequest = Exclude<FilesRequest, { op: 'share' | 'artifact' }>;

export interface FilesInput {
  request: TreeRequest;
  /** The workspace's folder, absolute. The path is trusted; the content is not. */
  workspace: string;
  /** The owner of files that are written; undefined: the runner's own user. */
  as: Owner | undefined;
  /** The workspace's limits for writes; null: none. */
  limits: WriteLimits | null;
  /** The request's body. It throws if the sender disconnects before its end. */
  body: AsyncIterable<Uint8Array>;
  /** The files that the workspace began with; null: none. */
  start: StartTree | null;
}

/** Answers one request on a session's files. An expected failure is a refusal; broken I/O or a broken body throws. */
export async function answerRequest(input: FilesInput): Promise<FilesAnswer> {
  try {
    return await answer(input);
  } catch (error) {
    if (error instanceof FilesRefused) return { ok: false, refusal: error.refusal };
    throw error;
  }
}

async function answer(input: FilesInput): Promise<SuccessAnswer> {
  const { request, workspace, as, limits, body, start } = input;
  switch (request.op) {
    case 'read':
      return await readPath(workspace, request);
    case 'pack':
      return await packFolder(workspace, request);
    case 'write':
      return json(await writeFile(workspace, request, as, limits, body));
    case 'unpack':
      return json(await unpackArchive(workspace, request, as, limits, body));
    case 'delete':
      return json(await removePath(workspace, request));
    case 'diff':
      return await diffWorkspace(workspace, request, start);
    default:
      return request satisfies never;
  }
}
