import type { SessionFiles } from '../../../protocol/api/files.ts';
import type { Beginning, Head, Trees } from '../../shared/trees.ts';
import type { SnapshotReport } from '../../../protocol/link/runner-control.ts';

/** Trees that hold everything up to `version`. */
interface Saved extends Trees {
  readonly version: number;
}

/** What a launch, or whoever touches the files next, starts from. */
export type Base =
  /** That runner's own copy, for it is newer than any snapshot. */
  | { readonly on: 'runner'; readonly runner: string }
  /** Snapshots; `prefer` has the same at hand. */
  | { readonly on: 'storage'; readonly prefer: string | null; readonly trees: Trees };

/** Where a session's files are. Plain data: stored whole with each change of the session. */
export interface FilesState {
  /** Counts launches and writes from outside, and never goes back. The beginning is 1. */
  readonly version: number;
  /** The version since which the files are what they are; less than `version` when a launch changed nothing. */
  readonly content: number;
  /** Has the files as they are; null: none, but the snapshots. */
  readonly runner: string | null;
  readonly saved: Saved;
  /** The newest stored snapshot of the session's own. */
  readonly newest: Newest | null;
  /** What the workspace began with; null: empty. */
  readonly start: string | null;
  /** Whose conversation this one continues, until it has one of its own. */
  readonly fork_of: string | null;
  /** Nothing is to be cloned (any more). */
  readonly cloned: boolean;
  /** It begins with what its creator named, whatever is at the head of its workspace. */
  readonly pinned: boolean;
  /** A launch that has not ended. */
  readonly launch: FilesLaunch | null;
  /** A write that was ordered and that its runner has not come for. */
  readonly write: { readonly version: number; readonly runner: string } | null;
}

interface FilesLaunch {
  /** The version before it. */
  readonly before: number;
  readonly base: Base;
  readonly runner: string | null;
  /** Something was written, or may have been. */
  readonly touched: boolean;
}

interface Newest {
  readonly snapshot_id: string;
  readonly version: number;
  readonly final: boolean;
  readonly storage: string;
}

export type FilesInput =
  /** A container is wanted. */
  | { readonly on: 'launched' }
  /** The persistent workspace was left like this; `version`: at which it is held from now on. */
  | { readonly on: 'adopted'; readonly head: Head | null; readonly version: number }
  /** It has waited: what was saved meanwhile may be begun from. */
  | { readonly on: 'rebased' }
  | { readonly on: 'placed'; readonly runner: string }
  /** The container has said something, or a write was let through to it. */
  | { readonly on: 'touched' }
  /** `lost`: its runner does not have the files that it alone had. */
  | { readonly on: 'ended'; readonly runner: string | null; readonly lost: boolean }
  | { readonly on: 'reported'; readonly report: SnapshotReport }
  /** A write from outside is about to be ordered of `runner`. */
  | { readonly on: 'writing'; readonly runner: string }
  /** The runner has come for it: from here on it may have happened. */
  | { readonly on: 'reached'; readonly version: number }
  /** It will not come for it. */
  | { readonly on: 'unreached'; readonly version: number }
  | { readonly on: 'cloned' }
  /** The conversation is the session's own: a turn of it was seen. */
  | { readonly on: 'conversed' };

/** Files that nothing was done to yet. */
export function beginFiles({ workspace, conversation, storage, fork_of, pinned }: Beginning): FilesState {
  return {
    version: 1,
    content: 1,
    runner: null,
    saved: { version: 1, workspace, conversation, storage },
    newest: null,
    start: workspace,
    fork_of,
    cloned: workspace !== null,
    pinned,
    launch: null,
    write: null,
  };
}

/** What becomes of a session's files when `input` comes. Pure, and total: what means nothing now changes nothing. */
export function advanceFiles(state: FilesState, input: FilesInput): FilesState {
  const { launch, version, write } = state;
  switch (input.on) {
    case 'launched': {
      const begun = { before: version, base: baseOf(state), runner: null, touched: false };
      return { ...state, version: version + 1, launch: begun, write: null };
    }
    case 'adopted':
      return adopt({ ...state, version: Math.max(version, input.version) }, input.head);
    case 'rebased':
      return launch?.runner === null ? { ...state, launch: { ...launch, base: baseOf(state) } } : state;
    case 'placed':
      return launch === null ? state : { ...state, launch: { ...launch, runner: input.runner } };
    case 'touched':
      return launch === null || launch.touched ? state : { ...state, launch: { ...launch, touched: true } };
    case 'ended':
      return launch === null ? state : end(state, launch, input);
    case 'reported':
      return report(state, input.report);
    case 'writing':
      if (launch !== null) return state;
      return { ...state, version: version + 1, write: { version: version + 1, runner: input.runner } };
    case 'reached':
      if (write?.version !== input.version) return state;
      return { ...state, write: null, content: write.version, runner: write.runner, pinned: false };
    case 'unreached':
      return write?.version === input.version ? { ...state, write: null } : state;
    case 'cloned':
      return { ...state, cloned: true };
    case 'conversed':
      break;
  }
  return state.fork_of === null ? state : { ...state, fork_of: null };
}

/** Some snapshot holds the files as they are. */
export function isSaved({ saved, content }: FilesState): boolean {
  return saved.version >= content;
}

/** All that was ever written is in snapshots, and nothing is being written. */
export function isSettled(state: FilesState): boolean {
  return state.launch === null && state.write === null && isSaved(state);
}

/** What the next to touch the files starts from. */
export function baseOf(state: FilesState): Base {
  const { runner, saved } = state;
  if (isSaved(state) || runner === null) {
    const { workspace, conversation, storage } = saved;
    return { on: 'storage', prefer: runner, trees: { workspace, conversation, storage } };
  }
  return { on: 'runner', runner };
}

/** Where the files are at this moment, and at which version: what orders that concern them are told. */
export function present(state: FilesState): { readonly base: Base; readonly version: number } {
  const { launch, version } = state;
  if (launch === null) return { base: baseOf(state), version };
  // It has no place yet: they are as they were before it was wanted.
  if (launch.runner === null) return { base: launch.base, version: launch.before };
  return { base: { on: 'runner', runner: launch.runner }, version };
}

/** How a runner is told about the files; `local` is as it is for the runner that the base prefers. */
export function describeFiles(
  state: FilesState,
  base: Base,
  version: number,
  owner: string,
  quotaBytes: number | null,
): SessionFiles {
  const { workspace, conversation } = base.on === 'storage' ? base.trees : state.saved;
  return {
    owner,
    version,
    local: localOn(base, base.on === 'storage' ? base.prefer : null),
    workspace,
    conversation,
    start: state.start,
    fork_of: state.fork_of,
    quota_bytes: quotaBytes,
  };
}

/** What that runner has of files that start from `base`; null: a runner that never had them. */
export function localOn(base: Base, runner: string | null): SessionFiles['local'] {
  if (base.on === 'runner') return 'required';
  return runner !== null && base.prefer === runner ? 'preferred' : 'stale';
}

/** The newest that is stored, whole or not: what is left should a runner lose what it alone has. */
export function newestTrees({ newest, saved }: FilesState): Trees {
  if (newest === null || newest.version <= saved.version) return saved;
  return { workspace: newest.snapshot_id, conversation: newest.snapshot_id, storage: newest.storage };
}

/** Every stored tree that the session needs, now or should what it has now be lost. */
export function treesInUse(state: FilesState): { snapshot_id: string; tree: 'workspace' | 'conversation' }[] {
  const { launch, saved, start, newest } = state;
  const based = launch?.base.on === 'storage' ? launch.base.trees : null;
  const uses = [
    ...[start, saved.workspace, based?.workspace, newest?.snapshot_id].map((id) => ({
      id,
      tree: 'workspace' as const,
    })),
    ...[saved.conversation, based?.conversation, newest?.snapshot_id].map((id) => ({
      id,
      tree: 'conversation' as const,
    })),
  ];
  const named = new Map<string, { snapshot_id: string; tree: 'workspace' | 'conversation' }>();
  for (const { id, tree } of uses)
    if (id !== null && id !== undefined) named.set(`${id} ${tree}`, { snapshot_id: id, tree });
  return [...named.values()];
}

/** The workspace may have been changed by who held it in between. */
function adopt(state: FilesState, head: Head | null): FilesState {
  const { launch } = state;
  const base = launch?.base ?? baseOf(state);
  // What nobody else has seen yet, nobody else can have changed: the workspace was not let go.
  if (base.on === 'runner' || state.pinned) return state;
  const { trees } = base;
  const workspace = head?.snapshot_id ?? null;
  const first = state.content === 1;
  const begun = { start: first ? workspace : state.start, cloned: state.cloned || workspace !== null };
  if (workspace === trees.workspace) return { ...state, ...begun };
  const storage = head?.storage ?? (trees.conversation === null ? null : trees.storage);
  const adopted: Trees = { workspace, conversation: trees.conversation, storage };
  // A version of its own: what is told late of the ones before does not hold this.
  const version = launch === null ? state.version + 1 : state.version;
  const changed = { ...begun, content: first ? 1 : version, runner: null, saved: { ...adopted, version } };
  if (launch === null) return { ...state, ...changed, version };
  const anew: Base = { on: 'storage', prefer: null, trees: adopted };
  return { ...state, ...changed, version: version + 1, launch: { ...launch, before: version, base: anew } };
}

function end(state: FilesState, launch: FilesLaunch, input: Extract<FilesInput, { on: 'ended' }>): FilesState {
  const { base, touched } = launch;
  const { version } = state;
  const runner = input.runner ?? launch.runner;
  const over = { ...state, launch: null };
  if (input.lost) {
    const trees = newestTrees(state);
    const cloned = trees.workspace !== null;
    return { ...over, cloned, runner: null, content: version, saved: { ...trees, version } };
  }
  if (touched && runner !== null) return { ...over, runner, content: version, pinned: false };
  // Nothing ran that could have changed them: they are where they were.
  return { ...over, runner: base.on === 'runner' ? base.runner : base.prefer };
}

function report(state: FilesState, told: SnapshotReport): FilesState {
  if (told.state !== 'stored' || told.version > state.version) return state;
  const { snapshot_id, version, final, storage, trigger } = told;
  const { newest, saved } = state;
  const newer = newest === null || version > newest.version || (version === newest.version && (final || !newest.final));
  return {
    ...state,
    newest: newer ? { snapshot_id, version, final, storage } : newest,
    start: trigger === 'start' ? snapshot_id : state.start,
    saved:
      final && version >= saved.version
        ? { version, workspace: snapshot_id, conversation: snapshot_id, storage }
        : saved,
  };
}
