import { WRITES, type FilesRefusal } from '../protocol/files.ts';
import type { PoolFrame } from '../protocol/runner-control.ts';
import type { Reason } from '../protocol/reason.ts';
import type { Owner } from './backend/backend.ts';
import { answerRequest } from './files/answer-request.ts';
import type { StartTree } from './files/start-tree.ts';
import { answerTransfer } from './link/transfer.ts';
import { messageOf, type Log } from './log.ts';
import type { LocalFiles } from './session-files.ts';
import type { Snapshots } from './snapshot/snapshots.ts';

export type TransferOrder = Extract<PoolFrame, { kind: 'transfer' }>;

export interface TransferOptions {
  order: TransferOrder;
  files: LocalFiles;
  snapshots: Pick<Snapshots, 'entries' | 'content'>;
  edgeUrl: string;
  /** The runner's own. */
  token: string;
  owner: Owner | undefined;
  /** What the session's files may take, MB; null: no limit. */
  limitMb: number | null;
  log: Log;
}

/** Serves one request on a session's files, or says why it cannot be: then the edge is not dialled. */
export async function serveTransfer(options: TransferOptions): Promise<FilesRefusal | undefined> {
  const { order, files, edgeUrl, token, owner, limitMb, log } = options;
  const { session_id, transfer_id, request } = order;
  const writes = WRITES.has(request.op);
  try {
    const prepared = await files.prepare(order.files, false);
    if (!prepared.ok) return refusal(prepared.reason);
    if (writes) await files.beginWrite(order.files);
  } catch (error) {
    log.error('files not made ready for a transfer', { session: session_id, error });
    return {
      code: 'files_unavailable',
      detail: `The runner cannot get at the files: ${messageOf(error)}`.slice(0, 8192),
    };
  }
  try {
    await answerTransfer({
      url: `${edgeUrl}/api/v1/runner/sessions/${session_id}/transfers/${transfer_id}`,
      token,
      answer: (body) =>
        answerRequest({
          request,
          workspace: files.folders.workspace,
          as: owner,
          limitMb,
          body,
          start: startTree(options),
        }),
      log,
    });
  } finally {
    if (writes) files.endWrite();
  }
  return undefined;
}

function startTree({ order: { files }, snapshots }: TransferOptions): StartTree | null {
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
