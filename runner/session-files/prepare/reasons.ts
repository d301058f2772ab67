import type { Reason } from '../../../protocol/reason.ts';
import type { TreeKind } from '../../../protocol/link/runner-control.ts';
import type { RestoredTree } from '../../snapshot/restore/restore-tree.ts';

/** Why a session's files cannot be made ready. */

export const LOST: Reason = {
  code: 'files_lost',
  detail:
    'The newest files of the session were on this runner alone, and it does not have them any more: its data folder was emptied or replaced. Fork the session from a snapshot, if it has one.',
};

export const REMOVED: Reason = {
  code: 'container_start_failed',
  detail: 'The runner was just removing the session’s files: try again.',
};

export function notRestored(
  snapshotId: string,
  tree: TreeKind,
  { why, detail }: Extract<RestoredTree, { ok: false }>,
): Reason {
  if (why === 'storage_unavailable') {
    const sentence = `The session's files are in the storage, which cannot be reached at the moment: ${detail}`;
    return { code: 'storage_unavailable', detail: sentence.slice(0, 8192) };
  }
  const how = { snapshot_missing: 'is not in the storage', damaged: 'is damaged', failed: 'could not be restored' }[
    why
  ];
  const sentence = `Snapshot ${snapshotId}, which the session's files come from, ${how} (${tree}): ${detail}`;
  return { code: 'restore_failed', detail: sentence.slice(0, 8192) };
}
