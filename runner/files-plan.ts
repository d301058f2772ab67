import type { SessionFiles } from '../protocol/files.ts';
import type { TreeKind } from '../protocol/runner-control.ts';
import type { FilesState } from './files-state.ts';

export const TREES: readonly TreeKind[] = ['workspace', 'conversation'];

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
