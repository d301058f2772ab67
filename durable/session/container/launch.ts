import type { Launch } from '../../../protocol/link/runner-control.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { Workspace } from '../../../protocol/api/workspace.ts';
import type { Needs } from '../../pool/core/placement.ts';
import { describeFiles, isSaved, isSettled, type Base, type FilesState, type Head } from '../core/files.ts';
import { sharedLaunch } from '../core/shared-files.ts';
import { DEFAULT_POOL, type EdgeEnv } from '../../rpc/edge-env.ts';
import { heldDetail, quotaBytes } from '../../directory/storage.ts';
import type { SessionCore } from '../store/store.ts';
import type { SessionDraft } from '../store/transaction.ts';
import { workspaceIdOf } from '../store/record.ts';
import type { SessionSharing } from './shared-workspace.ts';
import { mintSessionToken } from './session-token.ts';
import { summaryOf } from '../store/views.ts';
import { Teller } from '../../shared/retrying-call.ts';

/** How far the owner's list may lag behind a session that works, milliseconds. */
const LIST_LAG_MS = 250;
/** Until the session in whose files this one works is asked for them once more: each time twice as long, up to the longest. Milliseconds. */
const ASK_AGAIN_MS = { first: 1000, longest: 10_000 };

/** Keeps the pool and the owner's directory told. What is to be told is stored, so that a failed call is made again. */
export class SessionOutreach {
  readonly #env: EdgeEnv;
  readonly #core: SessionCore;
  readonly #sharing: SessionSharing;
  readonly #retry: () => void;
  readonly #toPool: Teller;
  readonly #toDirectory: Teller;
  /** When a launch that waits for another session's is to be looked at again, epoch milliseconds. */
  #waits: { readonly until: number; readonly ms: number } | null = null;
  /** Writes from outside that are about to be ordered: until then the workspace is not let go. */
  #keeping = 0;

  /** @param retry asked to have `tell` called at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    env: EdgeEnv,
    parts: { readonly core: SessionCore; readonly sharing: SessionSharing },
    retry: () => void,
  ) {
    this.#env = env;
    this.#core = parts.core;
    this.#sharing = parts.sharing;
    this.#retry = retry;
    const pool = { isDue: () => this.#poolDue(), tell: () => this.#tellPool(), retry };
    this.#toPool = new Teller({ ctx, whom: 'the pool', ...pool });
    const directory = { isDue: () => this.#listDue(), tell: () => this.#tellDirectory(), retry };
    this.#toDirectory = new Teller({ ctx, whom: 'the owner’s directory', ...directory });
  }

  get pool() {
    return this.#env.RUNNER_POOL.get(this.#env.RUNNER_POOL.idFromName(DEFAULT_POOL));
  }

  get directory() {
    return this.#env.DIRECTORY.get(this.#env.DIRECTORY.idFromName(this.#core.current.identity.owner));
  }

  /** When there is something to do, epoch milliseconds; null: nothing that could not wait for any alarm. */
  nextTry(): number | null {
    const times = [this.#toPool.nextTry() ?? this.#waitsUntil(), this.#toDirectory.retryAt()];
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /** The owner's part of the storage. */
  get owner(): string {
    return this.#env.DIRECTORY.idFromName(this.#core.current.identity.owner).toString();
  }

  get quotaBytes(): number | null {
    return quotaBytes(this.#core.settings);
  }

  /** Has the persistent workspace held for as long as `work` takes; what it was left like has been adopted by then. */
  async keeping<T>(work: () => Promise<T>): Promise<T> {
    this.#keeping += 1;
    try {
      return await work();
    } finally {
      this.#keeping -= 1;
      this.tell();
    }
  }

  /** Takes the session's persistent workspace, if it has one; otherwise says who has it, and what to do. */
  async hold(): Promise<Reason | null> {
    const { identity, files } = this.#core.current;
    const workspace_id = workspaceIdOf(identity);
    if (workspace_id === null) return null;
    const { session_id } = identity;
    // A release that is still under way carries an older version.
    const version = files.launch === null ? files.version + 1 : files.version;
    const order = { session_id, workspace_id, version };
    const answer = await this.directory.hold(order);
    if (!answer.held) return { code: 'workspace_held', detail: heldDetail(workspace_id, answer.by) };
    const stray = this.#core.record === null ? null : strayReason(this.#core.current.files, answer.head);
    if (stray !== null) {
      await this.directory.release(order, null);
      return stray;
    }
    if (this.#core.record !== null) this.#adopt(answer.head, version);
    return null;
  }

  /** Takes over how the session's persistent workspace was left, without holding it: to be looked at. */
  async look(): Promise<void> {
    const workspaceId = workspaceIdOf(this.#core.current.identity);
    if (workspaceId === null) return;
    const { head } = await this.directory.look(workspaceId);
    if (this.#core.record === null || this.#core.current.files.launch !== null) return;
    this.#core.change((draft) => draft.files({ on: 'adopted', head, version: draft.record.files.version }));
  }

  /** Tells what there is to tell. */
  tell(): void {
    this.#toPool.tell();
    this.#toDirectory.tell();
  }

  /** Has the owner's list show the session as it is now: what is asked of that next counts it right. */
  async list(): Promise<void> {
    const { record } = this.#core;
    if (record === null || !this.#listDue()) return;
    await this.directory.update(summaryOf(record));
    this.#core.directoryKnows(record.changes);
  }

  /** One thing at a time: the order for the pool, or else that the workspace is free. */
  async #tellPool(): Promise<void> {
    const { pool: order } = this.#core.current;
    if (order === 'want') await this.#want();
    else if (order === 'release') await this.#release();
    else await this.#letGo();
  }

  async #want(): Promise<void> {
    const { epoch } = this.#core.current.state;
    const refused = await this.hold();
    if (this.#core.record === null) return;
    const host = await this.#sharing.ask();
    if (this.#core.record === null) return;
    if (this.#waits !== null) this.#core.change((draft) => draft.files({ on: 'rebased' }));
    const { identity, state, files, pool } = this.#core.current;
    // Something else is to be told by now.
    if (pool !== 'want' || state.epoch !== epoch || files.launch === null) return;
    const { base } = files.launch;
    const shared = host === null ? null : sharedLaunch(host, base);
    if (shared?.do === 'wait') return this.#wait(epoch, shared.reason);
    this.#waits = null;
    if (shared?.do === 'end') return this.#settle(epoch, 'want', (draft) => draft.ended(epoch, shared.reason, null));
    if (refused !== null) return this.#settle(epoch, 'want', (draft) => draft.ended(epoch, refused, null));
    const { session_id, request } = identity;
    const token = await mintSessionToken(this.#core.settings.JWT_SECRET, session_id, epoch);
    const launch: Launch = {
      session_id,
      epoch,
      token,
      resume: epoch > 1,
      config: request.config,
      workspace: files.cloned ? withoutGit(request.workspace) : request.workspace,
      files: describeFiles(files, base, files.version, this.owner, this.quotaBytes),
    };
    const answer =
      host === null || shared === null
        ? await this.pool.want(launch, needsOf(base))
        : await this.pool.want(
            { ...launch, workspace_of: host.of, files: { ...launch.files, local: shared.local } },
            { on: 'runner', runner: shared.runner },
          );
    this.#settle(epoch, 'want', (draft) => {
      if (answer.placed) draft.placed(epoch, answer.runner);
      else draft.input({ on: 'waiting', epoch, reason: answer.reason });
    });
  }

  /** It cannot be launched yet: that is looked at again. */
  #wait(epoch: number, reason: Reason): void {
    const ms = Math.min(this.#waits === null ? ASK_AGAIN_MS.first : 2 * this.#waits.ms, ASK_AGAIN_MS.longest);
    this.#waits = { until: Date.now() + ms, ms };
    const isNews = this.#core.current.state.reason?.detail !== reason.detail;
    if (isNews) this.#core.change((draft) => draft.input({ on: 'waiting', epoch, reason }));
    this.#retry();
  }

  /** Until when a place is not to be asked for, epoch milliseconds; null: it may be now. */
  #waitsUntil(): number | null {
    if (this.#waits === null || this.#core.record?.pool !== 'want') return null;
    return this.#waits.until > Date.now() ? this.#waits.until : null;
  }

  #poolDue(): boolean {
    if (this.#core.record === null) return false;
    return (this.#core.record.pool !== null || this.#releaseDue()) && this.#waitsUntil() === null;
  }

  async #release(): Promise<void> {
    this.#waits = null;
    const { identity, state } = this.#core.current;
    const { epoch } = state;
    const { ended } = await this.pool.release({ session_id: identity.session_id, epoch });
    this.#settle(epoch, 'release', (draft) => {
      const reason: Reason = { code: 'stopped_by_user', detail: 'It had no container yet.' };
      if (ended) draft.ended(epoch, reason, null);
    });
  }

  /** The workspace is free for others, as it was left. */
  async #letGo(): Promise<void> {
    const { identity, files } = this.#core.current;
    const workspace_id = workspaceIdOf(identity);
    if (workspace_id === null || !this.#releaseDue()) return;
    const { session_id } = identity;
    const { workspace, storage } = files.saved;
    const head: Head | null = workspace === null || storage === null ? null : { snapshot_id: workspace, storage };
    await this.directory.release({ session_id, workspace_id, version: files.version }, head);
    // Held anew meanwhile, by a newer version: the directory has taken it so.
    if (this.#core.record !== null && this.#releaseDue()) {
      this.#core.change((draft) => {
        draft.record = { ...draft.record, holding: false };
      });
    }
  }

  /** The persistent workspace is held and nothing is to be done with it: all is saved. */
  #releaseDue(): boolean {
    const { holding, files, state, pool } = this.#core.current;
    if (!holding || this.#keeping > 0 || pool !== null || state.container !== 'none' || !isSettled(files)) return false;
    // First the snapshot with all that it says, then that it is the workspace's.
    return !this.#core.snapshots.work().untold;
  }

  #adopt(head: Head | null, version: number): void {
    this.#core.change((draft) => {
      draft.files({ on: 'adopted', head, version });
      draft.record = { ...draft.record, holding: true };
    });
  }

  async #tellDirectory(): Promise<void> {
    const { status } = this.#core.current.state;
    // Turns come and go quickly: what a list shows may lag behind by a little, and a turn need not wait for it.
    await scheduler.wait(status === 'idle' || status === 'running' ? LIST_LAG_MS : 0);
    await this.list();
  }

  #listDue(): boolean {
    const { record } = this.#core;
    return record !== null && record.told !== record.changes;
  }

  /** The pool has been told `order` of `epoch`, unless something else is to be told by now. */
  #settle(epoch: number, order: 'want' | 'release', then: (draft: SessionDraft) => void): void {
    if (this.#core.record === null) return;
    this.#core.change((draft) => {
      if (draft.record.state.epoch === epoch && draft.record.pool === order) {
        draft.record = { ...draft.record, pool: null };
      }
      then(draft);
    });
  }
}

export function needsOf(base: Base): Needs {
  if (base.on === 'runner') return base;
  return { on: 'storage', storage: base.trees.storage, prefer: base.prefer };
}

/** Another holder has left the workspace in a storage other than the one with what this session said: nobody sees both. */
function strayReason(files: FilesState, head: Head | null): Reason | null {
  const { saved, pinned } = files;
  if (head === null || pinned || saved.conversation === null || !isSaved(files)) return null;
  if (head.storage === saved.storage || head.snapshot_id === saved.workspace) return null;
  const detail = `The workspace is now kept in the storage "${head.storage}", and this session's conversation in "${saved.storage}". Begin a new session on the workspace.`;
  return { code: 'restore_failed', detail };
}

/** What has been cloned is not cloned again. */
function withoutGit(workspace: Workspace): Workspace {
  if (workspace.type === 'clone') return workspace;
  const { git_repo: _repo, git_branch: _branch, ...rest } = workspace;
  return rest;
}
