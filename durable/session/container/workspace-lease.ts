import type { Reason } from '../../../protocol/reason.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Head } from '../../shared/trees.ts';
import { isSaved, isSettled, type FilesState } from '../core/files.ts';
import { workspaceIdOf } from '../core/identity.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';

/** The session's lease on its owner's persistent workspace, if it works in one. One session at a time has it. */
export class WorkspaceLease implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #call: RetryingCall;
  /** Writes from outside that are about to be ordered. Until they are, the lease is kept. */
  #writes = 0;

  /** @param retry asked to have `send` called at `nextTry` */
  constructor(ctx: Pick<DurableObjectState, 'waitUntil'>, store: SessionStore, peers: Peers, retry: () => void) {
    this.#store = store;
    this.#peers = peers;
    const call = { isDue: () => this.#isReleaseDue(), send: () => this.#release(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s directory about its workspace', ...call });
  }

  send(): void {
    this.#call.send();
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  /** Keeps the lease while `work` runs. By its end the session has adopted how the workspace was left. */
  async keepFor<T>(work: () => Promise<T>): Promise<T> {
    this.#writes += 1;
    try {
      return await work();
    } finally {
      this.#writes -= 1;
      this.send();
    }
  }

  /** Leases the session's persistent workspace, if it has one. Returns why it could not; null: all is well. */
  async acquire(): Promise<Reason | null> {
    const { identity, files } = this.#store.current;
    const workspace_id = workspaceIdOf(identity);
    if (workspace_id === null) return null;
    const { session_id } = identity;
    // A release that is still under way carries an older version.
    const version = files.launch === null ? files.version + 1 : files.version;
    const request = { session_id, workspace_id, version };
    const answer = await this.#peers.directory.leaseWorkspace(request);
    if (!answer.leased) return { code: 'workspace_held', detail: answer.detail };
    const stray = this.#store.record === null ? null : strayReason(this.#store.current.files, answer.head);
    if (stray !== null) {
      await this.#peers.directory.releaseWorkspace(request, null);
      return stray;
    }
    this.#store.changeIfPresent((tx) => {
      tx.files({ on: 'adopted', head: answer.head, version });
      tx.record = { ...tx.record, leased: true };
    });
    return null;
  }

  /** Takes over how the persistent workspace was left, without a lease: to read it. */
  async adoptHead(): Promise<void> {
    const workspaceId = workspaceIdOf(this.#store.current.identity);
    if (workspaceId === null) return;
    const head = await this.#peers.directory.workspaceHead(workspaceId);
    if (this.#store.record === null || this.#store.current.files.launch !== null) return;
    this.#store.change((tx) => tx.files({ on: 'adopted', head, version: tx.record.files.version }));
  }

  /** Others may have the workspace, as it was left. */
  async #release(): Promise<void> {
    const { identity, files } = this.#store.current;
    const workspace_id = workspaceIdOf(identity);
    if (workspace_id === null || !this.#isReleaseDue()) return;
    const { session_id } = identity;
    const { version } = files;
    const { workspace, storage } = files.saved;
    const head: Head | null = workspace === null || storage === null ? null : { snapshot_id: workspace, storage };
    await this.#peers.directory.releaseWorkspace({ session_id, workspace_id, version }, head);
    // If the session has leased it again meanwhile, with a newer version, the directory has kept that lease.
    if (!this.#isReleaseDue() || this.#store.current.files.version !== version) return;
    this.#store.change((tx) => {
      tx.record = { ...tx.record, leased: false };
    });
  }

  /** The workspace is leased, and nothing more is to be done with it: all is saved. */
  #isReleaseDue(): boolean {
    const { record } = this.#store;
    if (record === null || !record.leased || this.#writes > 0 || record.place_request !== null) return false;
    if (record.state.container !== 'none' || !isSettled(record.files)) return false;
    // The directory first gets the snapshot with its details, and then hears that it is the workspace's head.
    return !this.#store.snapshots.work().unrecorded;
  }
}

/**
 * Another session has left the workspace in a storage other than the one that keeps this session's conversation. No
 * runner sees both.
 */
function strayReason(files: FilesState, head: Head | null): Reason | null {
  const { saved, pinned } = files;
  if (head === null || pinned || saved.conversation === null || !isSaved(files)) return null;
  if (head.storage === saved.storage || head.snapshot_id === saved.workspace) return null;
  const detail = `The workspace is now kept in the storage "${head.storage}", and this session's conversation in "${saved.storage}". Begin a new session on the workspace.`;
  return { code: 'restore_failed', detail };
}
