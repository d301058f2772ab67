import type { FilesRequest } from '../../protocol/api/files.ts';
import type { Owner } from '../backend/backend.ts';
import { json, type Answered, type FilesAnswer } from './answer.ts';
import { diffWorkspace } from './diff/diff-workspace.ts';
import { packFolder } from './read/pack-folder.ts';
import { readPath } from './read/read-path.ts';
import { FilesRefused } from './paths/refused.ts';
import { removePath } from './write/remove-path.ts';
import type { StartTree } from './diff/start-tree.ts';
import { unpackArchive } from './write/unpack-archive.ts';
import { writeFile } from './write/write-file.ts';

/** What is asked of the files as they are here. */
export type TreeRequest = Exclude<FilesRequest, { op: 'share' | 'artifact' }>;

export interface FilesInput {
  request: TreeRequest;
  /** The workspace's folder, absolute. Its own path is trusted, what is in it is not. */
  workspace: string;
  /** Who is given what is written. */
  as: Owner | undefined;
  /** How large the workspace may grow by a write, MB; null: as large as the disk. */
  limitMb: number | null;
  /** The request's body; throws when its sender went away before its end. */
  body: AsyncIterable<Uint8Array>;
  /** What the workspace began with; null: empty. */
  start: StartTree | null;
}

/** Answers one request on a session's files. What cannot be had is a refusal; it throws for broken I/O and a broken body alone. */
export async function answerRequest(input: FilesInput): Promise<FilesAnswer> {
  try {
    return await answer(input);
  } catch (error) {
    if (error instanceof FilesRefused) return { ok: false, refusal: error.refusal };
    throw error;
  }
}

async function answer(input: FilesInput): Promise<Answered> {
  const { request, workspace, as, limitMb, body, start } = input;
  switch (request.op) {
    case 'read':
      return await readPath(workspace, request);
    case 'pack':
      return await packFolder(workspace, request);
    case 'write':
      return json(await writeFile(workspace, request, as, limitMb, body));
    case 'unpack':
      return json(await unpackArchive(workspace, request, as, limitMb, body));
    case 'delete':
      return json(await removePath(workspace, request));
    case 'diff':
      return await diffWorkspace(workspace, request, start);
    default:
      return request satisfies never;
  }
}
