import type { SnapshotReport } from '../../../protocol/link/runner-control.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';
import type { Snapshots } from '../../snapshot/snapshots.ts';
import { blankReport, type FilesState, type QueuedSnapshot } from '../state.ts';
import { ownSource, startCopy } from './snapshot-folders.ts';

const DETAIL_CHARACTERS = 8192;
/** The most skipped files that a report names. */
const SKIPPED = 20;

/** What uses a session's files at the moment. */
export interface Activity {
  /** A container is about to be started. */
  launching: boolean;
  /** A container runs, or may. */
  running: boolean;
  /** Writes of clients that are under way. */
  writing: number;
  /** Counts launches and writes. */
  changes: number;
}

export interface TakeSnapshotOptions {
  folders: SessionFolders;
  snapshots: Pick<Snapshots, 'save'>;
  /** The storage's id; empty while it is not known. */
  storage: () => string;
  activity: () => Activity;
  /** False: a container that this process does not know may be using the files. */
  containersKnown: () => boolean;
  log: Log;
}

export type Attempt =
  /** `patch`: what changes in the record. `startedAt`: milliseconds since 1970. */
  | { outcome: 'stored'; report: SnapshotReport; patch: Partial<FilesState>; startedAt: number }
  /** It cannot be stored, now or later. */
  | { outcome: 'failed'; report: SnapshotReport }
  /** The storage cannot be reached: try again. */
  | { outcome: 'unavailable'; report: SnapshotReport }
  | { outcome: 'interrupted' };

/** Tries once to take a snapshot and store it. Does not change the record. */
export async function takeSnapshot(
  { folders, snapshots, storage, activity, containersKnown, log }: TakeSnapshotOptions,
  queued: QueuedSnapshot,
  state: FilesState,
  signal: AbortSignal,
): Promise<Attempt> {
  const { snapshot_id, copied } = queued;
  const before = { ...activity() };
  const undisturbed = containersKnown() && !copied && !before.running && before.writing === 0;
  const startedAt = Date.now();
  const { workspace, conversation, cache } = copied ? startCopy(folders) : ownSource(folders);
  const saved = await snapshots
    .save({
      owner: state.owner,
      snapshot_id,
      workspace,
      conversation,
      base: copied ? null : state.base,
      cache,
      quota_bytes: state.quota_bytes,
      final: undisturbed,
      signal,
    })
    .catch((error: unknown) => {
      if (!signal.aborted) log.error('snapshot failed', { snapshot: snapshot_id, error });
      return { ok: false as const, why: 'failed' as const, detail: messageOf(error) };
    });
  const report = blankReport(queued, state.version, storage());
  if (saved.ok) {
    const { files, bytes, new_bytes, owner_bytes, skipped } = saved;
    const final = undisturbed && activity().changes === before.changes;
    const facts = { files, bytes, new_bytes, owner_bytes, skipped: skipped.slice(0, SKIPPED) };
    const trees = { workspace: snapshot_id, conversation: snapshot_id };
    const patch = { ...(!copied && { base: snapshot_id }), ...(final && { dirty: false, trees }) };
    return { outcome: 'stored', report: { ...report, ...facts, state: 'stored', final }, patch, startedAt };
  }
  if (signal.aborted) return { outcome: 'interrupted' };
  const detail = saved.detail.slice(0, DETAIL_CHARACTERS);
  if (saved.why === 'storage_unavailable')
    return { outcome: 'unavailable', report: { ...report, state: 'pending', detail } };
  log.warn('snapshot given up', { snapshot: snapshot_id, why: saved.why, detail });
  return { outcome: 'failed', report: { ...report, state: 'failed', detail } };
}
