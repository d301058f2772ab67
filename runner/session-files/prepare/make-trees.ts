import { access, mkdir } from 'node:fs/promises';
import type { SessionFiles } from '../../../protocol/api/files/files.ts';
import type { TreeKind } from '../../../protocol/link/runner-control.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { Log } from '../../lib/log.ts';
import { removeFolder } from '../../lib/disk/remove-folder.ts';
import { makeSessionFolders, type SessionFolders } from '../../lib/session-folders.ts';
import { recoverTree } from '../../snapshot/restore/swap-tree.ts';
import type { FilesDependencies } from '../dependencies.ts';
import type { FilesRecord } from '../record.ts';
import { cacheFolder } from '../snapshots/snapshot-folders.ts';
import type { FilesState } from '../state.ts';
import { replaceFiles, TREES, type TreeStep } from './plan.ts';
import { notRestored } from './reasons.ts';

type RestoredNotice = Extract<RunnerNotice, { host_notice: 'restored' }>;
export type Prepared = { ok: true; restored: RestoredNotice | undefined } | { ok: false; reason: Reason };

/** Whether both folders are there. */
export async function hasTrees({ workspace, claude }: SessionFolders): Promise<boolean> {
  const folders = [workspace, claude];
  // A crash may have interrupted a restore between its two renames.
  for (const folder of folders) recoverTree(folder);
  return await Promise.all(folders.map((folder) => access(folder))).then(
    () => true,
    () => false,
  );
}

export interface MakeTreesInput {
  sessionId: string;
  folders: SessionFolders;
  record: FilesRecord;
  dependencies: Pick<FilesDependencies, 'snapshots' | 'owner' | 'storage' | 'report'>;
  files: SessionFiles;
  steps: Record<TreeKind, TreeStep>;
  /** A container is about to be started on the trees. */
  launch: boolean;
  signal: AbortSignal;
  log: Log;
}

/** Carries out a plan: keeps, restores or empties each tree of a session. */
export async function makeTrees(input: MakeTreesInput): Promise<Prepared> {
  const { sessionId, folders, record, dependencies, files, steps, launch, signal, log } = input;
  const { snapshots, owner, storage, report } = dependencies;
  const startedAt = performance.now();
  // With nothing here and nothing to restore, a crash leaves nothing to mistake for files. So the record need not be on the
  // disk yet: `launched` writes it before anything can change.
  const isNew = launch && record.state === undefined && TREES.every((tree) => steps[tree].do === 'empty');
  const setRecord = async (state: FilesState): Promise<void> => {
    if (isNew) record.setInMemory(state);
    else await record.set(state);
  };
  const { state: replaced, failed } = replaceFiles(record.state, files, steps, new Date().toISOString(), storage());
  await mkdir(folders.root, { recursive: true, mode: 0o700 });
  await setRecord(replaced);
  for (const one of failed) report(sessionId, one);
  const total = { files: 0, bytes: 0 };
  for (const tree of TREES) {
    const step = steps[tree];
    const into = tree === 'workspace' ? folders.workspace : folders.claude;
    if (step.do === 'keep') continue;
    if (step.do === 'empty') {
      await removeFolder(into);
      continue;
    }
    const { snapshot_id } = step;
    const cache = cacheFolder(folders);
    const restored = await snapshots.restore({ owner: files.owner, snapshot_id, tree, into, cache, as: owner, signal });
    if (!restored.ok) {
      log.warn('files not restored', { snapshot: snapshot_id, tree, why: restored.why });
      return { ok: false, reason: notRestored(snapshot_id, tree, restored) };
    }
    total.files += restored.files;
    total.bytes += restored.bytes;
  }
  await makeSessionFolders(folders, owner);
  const { trees } = replaced;
  await setRecord({ ...(record.state ?? replaced), complete: true, base: trees.workspace ?? trees.conversation });
  const from = TREES.map((tree) => steps[tree]).find((step) => step.do === 'restore');
  if (from === undefined) return { ok: true, restored: undefined };
  const ms = Math.round(performance.now() - startedAt);
  return { ok: true, restored: { host_notice: 'restored', snapshot_id: from.snapshot_id, ...total, ms } };
}
