import type { SessionFiles } from '../../../protocol/api/files.ts';
import { treeKind, type SnapshotReport, type TreeKind } from '../../../protocol/link/runner-control.ts';
import { blankReport, type FilesState } from '../state.ts';

export const TREES = treeKind.options;

/** What becomes of one tree: it stays as it is, is restored from a snapshot, or begins empty. */
export type TreeStep = { do: 'keep' } | { do: 'restore'; snapshot_id: string } | { do: 'empty' };

export type FilesPlan = { kind: 'local' } | { kind: 'lost' } | { kind: 'make'; steps: Record<TreeKind, TreeStep> };

/**
 * How a session's trees are made ready: what the edge knows of them against what is here.
 *
 * @param state what this runner knows; undefined: nothing, or no more than that there are folders
 * @param here both folders are there
 */
export function planFiles(files: SessionFiles, state: FilesState | undefined, here: boolean): FilesPlan {
  const asked = { workspace: files.workspace, conversation: files.conversation };
  // Nothing ever ran on what was on its way, so nothing newer than it was lost: whatever the edge takes this runner to have.
  if (state?.complete === false) return make(files.local === 'required' ? state.trees : asked, () => false);
  // A launch and a write count one up: a copy that lags behind by more is of before the session went elsewhere.
  const lags = state !== undefined && state.version < files.version - 1;
  if (here && (files.local === 'required' || (files.local === 'preferred' && !lags))) return { kind: 'local' };
  // Before the first launch and the first write there was nothing to lose.
  if (files.local === 'required' && files.version > 1) return { kind: 'lost' };
  const clean = here && state !== undefined && !state.dirty ? state.trees : undefined;
  return make(asked, (tree) => asked[tree] !== null && clean?.[tree] === asked[tree]);
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
 * What is known of files whose trees are about to be made by `steps`: what was here is given up, and with it what was owed of it.
 * `failed`: snapshots that somebody waits for and that now never come.
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
    .filter((owed) => !owed.copied && (owed.ordered || owed.told))
    .map((owed) => ({
      ...blankReport(owed, state?.version ?? version, storage),
      detail: 'Newer files of the session took the place of these before they could be saved.',
    }));
  const becoming: FilesState = {
    owner,
    quota_bytes,
    version,
    trees: { workspace: target('workspace'), conversation: target('conversation') },
    complete: false,
    dirty: false,
    base: null,
    clone: 'none',
    touched_at: at,
    saves: saves.filter((owed) => owed.copied),
    reports: [...(state?.reports ?? []), ...failed],
  };
  return { state: becoming, failed };
}
