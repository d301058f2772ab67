import type { SharedFile } from '../../../protocol/api/files/artifact.ts';
import type { WriteLimits } from '../../files/paths/allowance.ts';
import { WRITES, type FilesRefusal, type FilesRequest } from '../../../protocol/api/files/files.ts';
import type { PoolFrame } from '../../../protocol/link/runner-control.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { Owner } from '../../lib/session-folders.ts';
import { json, type FilesAnswer } from '../../files/answer.ts';
import { answerRequest } from '../../files/answer-request.ts';
import type { LiveFiles } from '../../files/live-files.ts';
import type { StartTree } from '../../files/diff/start-tree.ts';
import type { EdgeAgents } from '../../link/dial.ts';
import { answerTransfer } from './transfer-socket.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import type { LocalFiles } from '../local-files.ts';
import type { Snapshots } from '../../snapshot/snapshots.ts';
import { StorageUnavailable } from '../../storage/object-store.ts';

export interface TransferOptions {
  transfer: Extract<PoolFrame, { kind: 'transfer' }>;
  files: LocalFiles;
  /** The workspace in which the session works: its own, or that of the session whose files it shares. */
  workspace: string;
  snapshots: Pick<Snapshots, 'entries' | 'content' | 'share'>;
  /** The files of the session where it runs on another machine; undefined: they are here. */
  live: LiveFiles | undefined;
  /** The storage's id; empty while it is not known. */
  storage: () => string;
  edgeUrl: string;
  /** Absent: the edge is dialled directly. */
  agents?: EdgeAgents | undefined;
  /** The runner's own. */
  token: string;
  owner: Owner | undefined;
  /** The limits of the session's files; null: none. */
  limits: WriteLimits | null;
  log: Log;
}

/** Serves one request on a session's files, over a connection to the edge. @returns why it cannot; then there is no connection */
export async function serveTransfer(options: TransferOptions): Promise<FilesRefusal | undefined> {
  const { transfer, files, log } = options;
  const { session_id, request } = transfer;
  const writes = WRITES.has(request.op);
  const live = liveFiles(options) !== undefined;
  try {
    const prepared = await files.prepare(transfer.files, false, undefined, live);
    if (!prepared.ok) return refusal(prepared.reason);
    if (writes) await files.beginWrite(transfer.files, live);
  } catch (error) {
    log.error('files not made ready for a transfer', { session: session_id, error });
    return {
      code: 'files_unavailable',
      detail: `The runner cannot get at the files: ${messageOf(error)}`.slice(0, 8192),
    };
  }
  try {
    await answerOnEdge(options, (body) => answer(options, body));
  } finally {
    if (writes) files.endWrite();
  }
  return undefined;
}

/** Serves an artifact from the storage: the session's files need not be on this runner. */
export async function serveArtifact(
  options: Pick<TransferOptions, 'transfer' | 'edgeUrl' | 'agents' | 'token' | 'log'> & {
    snapshots: Pick<Snapshots, 'artifact'>;
  },
  { artifact_id, range }: Extract<FilesRequest, { op: 'artifact' }>,
): Promise<void> {
  const { transfer, snapshots } = options;
  await answerOnEdge(options, () =>
    snapshots.artifact(transfer.files.owner, artifact_id, range).catch((error: unknown) => {
      if (error instanceof StorageUnavailable) return refused('storage_unavailable', messageOf(error));
      throw error;
    }),
  );
}

async function answerOnEdge(
  { transfer, edgeUrl, agents, token, log }: Pick<TransferOptions, 'transfer' | 'edgeUrl' | 'agents' | 'token' | 'log'>,
  answer: (body: AsyncIterable<Uint8Array>) => Promise<FilesAnswer>,
): Promise<void> {
  const { session_id, transfer_id } = transfer;
  const url = `${edgeUrl}/api/v1/runner/sessions/${session_id}/transfers/${transfer_id}`;
  await answerTransfer({ url, token, agents, answer, log });
}

async function answer(options: TransferOptions, body: AsyncIterable<Uint8Array>): Promise<FilesAnswer> {
  const { transfer, workspace, snapshots, owner, limits, storage } = options;
  const { request } = transfer;
  if (request.op === 'artifact') throw new Error('an artifact is not among a session’s files');
  const live = liveFiles(options);
  if (request.op !== 'share' && live !== undefined) return await live.answer({ request, limits, body });
  if (request.op !== 'share')
    return await answerRequest({ request, workspace, as: owner, limits, body, start: startTree(options) });
  // The answer would have to name the storage that has the file.
  if (storage() === '') return refused('storage_unavailable', 'The storage of files has not been reached yet.');
  const { artifact_id, path } = request;
  const { owner: tenant, quota_bytes } = transfer.files;
  const saved = await snapshots.share({ owner: tenant, artifact_id, workspace, path, quota_bytes });
  if (!saved.ok) return refused(saved.why, saved.detail);
  return json({ ...saved.file, storage: storage() } satisfies SharedFile);
}

/** Where the request is answered, if that is not here. Two kinds of requests need what is stored as well, which is here. */
function liveFiles({ transfer: { request }, live }: TransferOptions): LiveFiles | undefined {
  return request.op === 'share' || request.op === 'diff' ? undefined : live;
}

const refused = (code: FilesRefusal['code'], detail: string): FilesAnswer => ({
  ok: false,
  refusal: { code, detail },
});

function startTree({ transfer: { files }, snapshots }: TransferOptions): StartTree | null {
  const { owner, start } = files;
  if (start === null) return null;
  return {
    snapshot_id: start,
    entries: () => snapshots.entries(owner, start, 'workspace'),
    content: (entry) => snapshots.content(owner, entry),
  };
}

function refusal({ code, detail }: Reason): FilesRefusal {
  return { code: code === 'storage_unavailable' ? 'storage_unavailable' : 'files_unavailable', detail };
}
