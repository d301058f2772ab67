import type { SessionFiles } from '../../../protocol/api/files/files.ts';
import type { Beginning, Head, Trees } from '../../shared/trees.ts';
import type { SnapshotReport } from '../../../protocol/link/runner-control.ts';

/** Stored trees that hold everything up to `version`. */
interface SavedTrees extends Trees {
  readonly version: number;
}

/** Where a launch, or another use of the files, gets them from. */
export type Base =
  /** The copy on that runner, because it is newer than every snapshot. */
  | { readonly on: 'runner'; readonly runner: string }
  /** Snapshots. The runner `prefer` has a copy that is as new. */
  | { readonly on: 'storage'; readonly prefer: string | null; readonly trees: Trees };

/** Where a session's files are. Plain data; each change of the session stores all of it. */
export interface FilesState {
  /** Counts launches and writes from outside. It begins at 1 and never decreases. */
  readonly version: number;
  /** The version at which the files last changed. It is less than `version` after a launch that changed nothing. */
  readonly content: number;
  /** The runner that has the files as they are now; null: only the snapshots have them. */
  readonly runner: string | null;
  /** The stored trees to start from when no runner has newer files. */
  readonly saved: SavedTrees;
  /** The newest stored snapshot of this session, complete or not. */
  readonly newest: NewestSnapshot | null;
  /** The snapshot that the workspace began with; null: it began empty. */
  readonly start: string | null;
  /** Claude Code's id of the conversation that this one continues; null: its conversation is its own, from its first turn on. */
  readonly fork_of: string | null;
  /** No repository has to be cloned, or it was cloned already. */
  readonly cloned: boolean;
  /** It begins with the snapshot that its creator named, even if the head of its workspace is another one. */
  readonly pinned: boolean;
  /** The launch that has not ended; null: there is none. */
  readonly launch: FilesLaunch | null;
  /** A write from outside that was ordered, and for which its runner has not dialled in yet. */
  readonly write: { readonly version: number; readonly runner: string } | null;
}

interface FilesLaunch {
  /** The version before this launch. */
  readonly before: number;
  readonly base: Base;
  /** Null: it has no place yet. */
  readonly runner: string | null;
  /** The files were changed, or may have been. */
  readonly touched: boolean;
}

interface NewestSnapshot {
  readonly snapshot_id: string;
  readonly version: number;
  /** It holds its version completely: nothing that could change the files was running. */
  readonly final: boolean;
  readonly storage: string;
}

export type FilesInput =
  /** A container is requested. */
  | { readonly on: 'launched' }
  /** The persistent workspace was last left at `head`. `version`: the version at which it is leased from now on. */
  | { readonly on: 'adopted'; readonly head: Head | null; readonly version: number }
  /** The launch has waited: it may begin from what was saved meanwhile. */
  | { readonly on: 'rebased' }
  | { readonly on: 'placed'; readonly runner: string }
  /** The container has sent something, or a write was sent to it. Its files may have changed. */
  | { readonly on: 'touched' }
  /** The container has ended. `lost`: its runner does not have the files any more that only this runner had. */
  | { readonly on: 'ended'; readonly runner: string | null; readonly lost: boolean }
  | { readonly on: 'reported'; readonly report: SnapshotReport }
  /** A write from outside is about to be ordered from `runner`. */
  | { readonly on: 'writing'; readonly runner: string }
  /** The runner has dialled in for the write: from now on it may have happened. */
  | { readonly on: 'reached'; readonly version: number }
  /** The runner will not dial in for the write, so it did not happen. */
  | { readonly on: 'unreached'; readonly version: number }
  | { readonly on: 'cloned' }
  /** A turn has ended, so the conversation is the session's own. */
  | { readonly on: 'conversed' };

/** The files of a new session, before anything was done to them. */
export function beginFiles({
  workspace,
  conversation,
  storage,
  fork_of,
  conversation_id,
  pinned,
}: Beginning): FilesState {
  return {
    version: 1,
    content: 1,
    runner: null,
    saved: { version: 1, workspace, conversation, storage },
    newest: null,
    start: workspace,
    fork_of: conversation_id ?? fork_of,
    cloned: workspace !== null,
    pinned,
    launch: null,
    write: null,
  };
}

/** A session's files after `input`. Pure and total: an input that does not fit the present state changes nothing. */
export function advanceFiles(state: FilesState, input: FilesInput): FilesState {
  const { launch, version, write } = state;
  switch (input.on) {
    case 'launched': {
      const started = { before: version, base: baseOf(state), runner: null, touched: false };
      return { ...state, version: version + 1, launch: started, write: null };
    }
    case 'adopted':
      return adoptHead({ ...state, version: Math.max(version, input.version) }, input.head);
    case 'rebased':
      return launch?.runner === null ? { ...state, launch: { ...launch, base: baseOf(state) } } : state;
    case 'placed':
      return launch === null ? state : { ...state, launch: { ...launch, runner: input.runner } };
    case 'touched':
      return launch === null || launch.touched ? state : { ...state, launch: { ...launch, touched: true } };
    case 'ended':
      return launch === null ? state : endLaunch(state, launch, input);
    case 'reported':
      return recordSnapshot(state, input.report);
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

/** Whether a snapshot holds the files as they are now. */
export function isSaved({ saved, content }: FilesState): boolean {
  return saved.version >= content;
}

/** Whether all changes are in snapshots, and nothing can be writing. */
export function isSettled(state: FilesState): boolean {
  return state.launch === null && state.write === null && isSaved(state);
}

/** Whether a container was requested, and no runner has been chosen for it yet. */
export function waitsForPlace({ launch }: FilesState): boolean {
  return launch !== null && launch.runner === null;
}

/** Whether a container waits for the one runner that had the files, though others can have them by now. */
export function waitsElsewhere(state: FilesState): boolean {
  return waitsForPlace(state) && state.launch?.base.on === 'runner' && baseOf(state).on === 'storage';
}

/** Whether nothing was ever in the files: there is nothing to read, or to save, before the first container. */
export function areNew({ content, saved }: FilesState): boolean {
  return content === 1 && saved.workspace === null;
}

/** Where the next launch or write gets the files from. */
export function baseOf(state: FilesState): Base {
  const { runner, saved } = state;
  if (isSaved(state) || runner === null) {
    const { workspace, conversation, storage } = saved;
    return { on: 'storage', prefer: runner, trees: { workspace, conversation, storage } };
  }
  return { on: 'runner', runner };
}

/** Where the files are at this moment, and at which version. Each order about the files carries this. */
export function present(state: FilesState): { readonly base: Base; readonly version: number } {
  const { launch, version } = state;
  if (launch === null) return { base: baseOf(state), version };
  // The launch has no place yet: the files are as they were before it.
  if (launch.runner === null) return { base: launch.base, version: launch.before };
  return { base: { on: 'runner', runner: launch.runner }, version };
}

/** The files as an order describes them to a runner. `local` is right for the runner that the base prefers. */
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

/** What `runner` has of files whose base is `base`. Null stands for a runner that never had them. */
export function localOn(base: Base, runner: string | null): SessionFiles['local'] {
  if (base.on === 'runner') return 'required';
  return runner !== null && base.prefer === runner ? 'preferred' : 'stale';
}

/** The newest stored trees, complete or not. They are what is left if a runner loses files that only it has. */
export function newestTrees({ newest, saved }: FilesState): Trees {
  if (newest === null || newest.version <= saved.version) return saved;
  return { workspace: newest.snapshot_id, conversation: newest.snapshot_id, storage: newest.storage };
}

/** Every stored tree that the session needs now, or would need if its runner lost the files. */
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

/** Takes over the head of the persistent workspace: a session that leased it in between may have changed it. */
function adoptHead(state: FilesState, head: Head | null): FilesState {
  const { launch } = state;
  const base = launch?.base ?? baseOf(state);
  // If only a runner has the newest files, the lease was not released, so no other session can have changed them.
  // A pinned session begins with the snapshot that its creator named.
  if (base.on === 'runner' || state.pinned) return state;
  const { trees } = base;
  const workspace = head?.snapshot_id ?? null;
  const first = state.content === 1;
  const beginning = { start: first ? workspace : state.start };
  if (workspace === trees.workspace) return { ...state, ...beginning };
  const storage = head?.storage ?? (trees.conversation === null ? null : trees.storage);
  const adopted: Trees = { workspace, conversation: trees.conversation, storage };
  // It gets a version of its own: late reports on snapshots of earlier versions do not contain these files.
  const version = launch === null ? state.version + 1 : state.version;
  const changed = { ...beginning, content: first ? 1 : version, runner: null, saved: { ...adopted, version } };
  if (launch === null) return { ...state, ...changed, version };
  const newBase: Base = { on: 'storage', prefer: null, trees: adopted };
  return { ...state, ...changed, version: version + 1, launch: { ...launch, before: version, base: newBase } };
}

function endLaunch(state: FilesState, launch: FilesLaunch, input: Extract<FilesInput, { on: 'ended' }>): FilesState {
  const { base, touched } = launch;
  const { version } = state;
  const runner = input.runner ?? launch.runner;
  const ended = { ...state, launch: null };
  if (input.lost) {
    const trees = newestTrees(state);
    // What was saved is from before the clone if none was done, and without it where nothing was saved.
    const cloned = state.cloned && trees.workspace !== null;
    return { ...ended, cloned, runner: null, content: version, saved: { ...trees, version } };
  }
  if (touched && runner !== null) return { ...ended, runner, content: version, pinned: false };
  // Nothing ran that could have changed the files, so they are where they were.
  return { ...ended, runner: base.on === 'runner' ? base.runner : base.prefer };
}

function recordSnapshot(state: FilesState, report: SnapshotReport): FilesState {
  if (report.state !== 'stored' || report.version > state.version) return state;
  const { snapshot_id, version, final, storage, trigger } = report;
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
