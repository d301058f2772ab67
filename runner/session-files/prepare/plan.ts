import type { SessionFiles } from '../../../protocol/api/files/files.ts';
import { treeKind, type SnapshotReport, type TreeKind } from '../../../protocol/link/runner-control.ts';
import { blankReport, type FilesState } from '../state.ts';

export const TREES = treeKind.options;

/** What to do with one tree: keep it, restore it from a snapshot, or make it empty. */
export type TreeStep = { do: 'keep' } | { do: 'restore'; snapshot_id: string } | { do: 'empty' };

export type FilesPlan = { kind: 'local' } | { kind: 'lost' } | { kind: 'make'; steps: Record<TreeKind, TreeStep> };

/**
 * Plans how a session's trees are made ready, from what the edge asks for and what is on this runner.
 *
 * @param state the runner's record; undefined: there is none, though there may be folders
 * @param here both folders are there
 */
export function planFiles(files: SessionFiles, state: FilesState | undefined, here: boolean): FilesPlan {
  const requested = { workspace: files.workspace, conversation: files.conversation };
  // Nothing ran on trees that were being made, so no newer files are lost, even if the edge believes that they are here.
  if (state?.complete === false) return make(files.local === 'required' ? state.trees : requested, () => false);
  // A launch or a write adds one to the version. A copy that is further behind is from before the session ran elsewhere.
  const lags = state !== undefined && state.version < files.version - 1;
  if (here && (files.local === 'required' || (files.local === 'preferred' && !lags))) return { kind: 'local' };
  // Before the first launch and the first write there are no files to lose.
  if (files.local === 'required' && files.version > 1) return { kind: 'lost' };
  const clean = here && state !== undefined && !state.dirty ? state.trees : undefined;
  return make(requested, (tree) => requested[tree] !== null && clean?.[tree] === requested[tree]);
}

function make(trees: Record<TreeKind, string | null>, keep: (tree: TreeKind) => boolean): FilesPlan {
  const step = (tree: TreeKind): TreeStep => {
    const snapshot_id = trees[tree];
    if (keep(tree)) return { do: 'keep' };
    return snapshot_id === null ? { do: 'empty' } : { do: 'restore', snapshot_id };
  };
  return { kind: 'make', steps: { workspace: step('workspace'), conversation: step('conversation') } };
}

/**
 * The record of files whose trees are about to be made by `steps`. What was here is given up, and with it the snapshots that
 * were to be taken of it. `failed`: those snapshots of which the edge knows.
 *
 * @param at the time, as an instant
 * @param storage the storage's id
 */
export function replaceFiles(
  state: FilesState | undefined,
  { owner, quota_bytes, version }: SessionFiles,
  steps: Record<TreeKind, TreeStep>,
  at: string,
  storage: string,
): { state: FilesState; failed: SnapshotReport[] } {
  const target = (tree: TreeKind): string | null => {
    const step = steps[tree];
    if (step.do === 'keep') return state?.trees[tree] ?? null;
    return step.do === 'restore' ? step.snapshot_id : null;
  };
  const saves = state?.saves ?? [];
  const failed = saves
    .filter((queued) => !queued.copied && (queued.ordered || queued.told))
    .map((queued) => ({
      ...blankReport(queued, state?.version ?? version, storage),
      detail: 'Newer files of the session took the place of these before they could be saved.',
    }));
  const replaced: FilesState = {
    owner,
    quota_bytes,
    version,
    trees: { workspace: target('workspace'), conversation: target('conversation') },
    complete: false,
    dirty: false,
    base: null,
    clone: 'none',
    touched_at: at,
    saves: saves.filter((queued) => queued.copied),
    reports: [...(state?.reports ?? []), ...failed],
  };
  return { state: replaced, failed };
}
