import type { Refusal } from '../../../protocol/api/problem.ts';
import type { SnapshotTrigger, SnapshotView } from '../../../protocol/api/files/workspace.ts';
import type { SnapshotPage } from '../../rpc/session/views.ts';
import { areNew, isSettled, present, treesInUse } from '../core/files.ts';
import { workspaceIdOf } from '../core/identity.ts';
import type { SessionStore } from '../store/store.ts';
import { filesFor, needsOf } from '../container/launch.ts';
import type { WorkspaceLease } from '../container/workspace-lease.ts';
import type { Peers } from '../store/peers.ts';
import { NO_PLACE, type PlaceWait } from './place-wait.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import { Waiters } from '../../shared/waiters.ts';

/** A snapshot is ordered again if no runner has reported on it for this long, milliseconds. */
const REORDER_MS = 15_000;
/** How long a fork waits until its snapshot is stored, milliseconds. */
const STORED_MS = 60_000;

const NO_FILES: Refusal = {
  refused: 'files_unavailable',
  detail: 'The session has no files of its own yet: it has not run. Send it a message first.',
};

const UNKNOWN: Refusal = {
  refused: 'snapshot_not_found',
  detail: 'This session has no such snapshot, or it is not kept any more.',
};

/** Requests a session's snapshots, orders them from a runner, and records the stored ones in the owner's directory. */
export class Snapshots implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #lease: WorkspaceLease;
  readonly #place: PlaceWait;
  readonly #retry: () => void;
  readonly #call: RetryingCall;
  readonly #waiters = new Waiters();

  /** @param retry schedules a call of `send` at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    parts: {
      readonly store: SessionStore;
      readonly peers: Peers;
      readonly lease: WorkspaceLease;
      readonly place: PlaceWait;
    },
    retry: () => void,
  ) {
    this.#store = parts.store;
    this.#peers = parts.peers;
    this.#lease = parts.lease;
    this.#place = parts.place;
    this.#retry = retry;
    const call = { isDue: () => this.#isDue(), send: () => this.#recordAndOrder(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s directory or the pool about its snapshots', ...call });
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    return this.#call.nextTry() ?? this.#store.snapshots.work().dueAt;
  }

  /** Records and orders the snapshots that are due. */
  send(): void {
    this.#call.send();
  }

  /**
   * Requests a snapshot of the files as they are now. Parked files that are saved have one already, which is returned.
   */
  async request(id: string, trigger: SnapshotTrigger): Promise<SnapshotView | Refusal> {
    const known = this.#view(id);
    if (known !== null) return known;
    const saved = this.#savedSnapshot();
    if (saved !== null) return saved;
    const refused = await this.#peers.directory.quotaRefusal();
    if (refused !== null) return refused;
    if (this.#store.record === null) return UNKNOWN;
    if (areNew(this.#store.current.files) && !(await this.#place.placed())) return NO_PLACE;
    if (this.#store.record === null) return UNKNOWN;
    const { content, launch } = this.#store.current.files;
    if (content === 1 && (launch === null || launch.runner === null)) return NO_FILES;
    this.#store.change((tx) => tx.askSnapshot(id, trigger));
    return this.#view(id) ?? UNKNOWN;
  }

  /**
   * Waits for the snapshot to fork from, until it is stored.
   *
   * @param id the id of a new snapshot of the files as they are now
   * @param named an existing snapshot to use instead
   */
  async forFork(id: string, named: string | undefined): Promise<{ readonly snapshot_id: string } | Refusal> {
    if (named !== undefined) {
      const view = await this.show(named);
      if ('refused' in view || view.state !== 'stored') return UNKNOWN;
      return this.#waitUntilStored(named);
    }
    const requested = await this.request(id, 'forked');
    return 'refused' in requested ? requested : this.#waitUntilStored(requested.snapshot_id);
  }

  async list(cursor: string | undefined, limit: number): Promise<SnapshotPage> {
    await this.#forgetRemoved();
    const { identity } = this.#store.current;
    return this.#store.snapshots.page(identity.session_id, workspaceIdOf(identity), cursor ?? null, limit);
  }

  async show(id: string): Promise<SnapshotView | Refusal> {
    await this.#forgetRemoved();
    return this.#view(id) ?? UNKNOWN;
  }

  /** Wakes the waiting calls, so that they check their snapshots again. */
  changed(): void {
    this.#waiters.wakeAll();
  }

  /** Waits until a snapshot is stored and recorded in the directory. Only then can a session be created from it. */
  async #waitUntilStored(id: string): Promise<{ readonly snapshot_id: string } | Refusal> {
    const { promise: timeout, resolve } = Promise.withResolvers<'timeout'>();
    const timer = setTimeout(() => resolve('timeout'), STORED_MS);
    try {
      for (;;) {
        if (this.#store.record === null) return UNKNOWN;
        const view = this.#view(id);
        if (view === null) return UNKNOWN;
        if (view.state === 'failed') {
          return {
            refused: 'storage_unavailable',
            detail: `The snapshot failed: ${view.detail ?? 'no reason is known.'}`,
          };
        }
        if (view.state === 'stored' && this.#store.snapshots.isRecorded(id)) return { snapshot_id: id };
        if ((await Promise.race([this.#waiters.wait(id), timeout])) === 'timeout') {
          const why = view.detail === null ? '' : ` ${view.detail}`;
          const detail = `The snapshot ${id} is not stored yet.${why} Once it is, fork from it: {"snapshot":"${id}"}.`;
          return { refused: 'snapshot_pending', detail };
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #recordAndOrder(): Promise<void> {
    try {
      await this.#record();
      await this.#order();
    } finally {
      this.changed();
      this.#lease.send();
    }
    // If no runner reports on an order, it has to be sent again.
    this.#retry();
  }

  #isDue(): boolean {
    if (this.#store.record === null) return false;
    const { unrecorded, dueAt } = this.#store.snapshots.work();
    return unrecorded || (dueAt !== null && dueAt <= Date.now());
  }

  async #record(): Promise<void> {
    const { identity } = this.#store.current;
    const { snapshots } = this.#store;
    for (const { view, storage, owner_bytes } of snapshots.unrecorded(identity.session_id, workspaceIdOf(identity))) {
      const { files } = this.#store.current;
      const newest = files.newest?.snapshot_id === view.snapshot_id;
      await this.#peers.directory.recordSnapshot({ view, storage, newest, owner_bytes, uses: treesInUse(files) });
      if (this.#store.record === null) return;
      snapshots.setRecorded(view.snapshot_id);
    }
  }

  async #order(): Promise<void> {
    const { snapshots } = this.#store;
    if (this.#store.record === null) return;
    for (const { snapshot_id, trigger } of snapshots.due(Date.now())) {
      const { identity, files } = this.#store.current;
      const { session_id } = identity;
      const { base, version } = present(files);
      const described = filesFor(this.#store, this.#peers, base, version);
      const order = { kind: 'snapshot', session_id, snapshot_id, trigger, files: described } as const;
      const ordered = await this.#peers.pool.order(needsOf(base), order);
      if (this.#store.record === null) return;
      snapshots.setOwed(snapshot_id, Date.now() + REORDER_MS, ordered.sent ? null : ordered.detail);
    }
  }

  /** The snapshot that holds the parked files; null: they are not parked, or not saved. */
  #savedSnapshot(): SnapshotView | null {
    const { files } = this.#store.current;
    if (!isSettled(files) || files.saved.workspace === null) return null;
    const view = this.#view(files.saved.workspace);
    return view?.state === 'stored' ? view : null;
  }

  /** Deletes from this session's list the snapshots that the owner's retention has removed. */
  async #forgetRemoved(): Promise<void> {
    const ids = this.#store.snapshots.recordedIds();
    if (ids.length === 0) return;
    const kept = new Set(await this.#peers.directory.keptSnapshots(ids));
    const removed = ids.filter((id) => !kept.has(id));
    if (this.#store.record !== null) this.#store.snapshots.forget(removed, this.#store.settings.SNAPSHOTS_KEPT);
  }

  #view(id: string): SnapshotView | null {
    const { identity } = this.#store.current;
    return this.#store.snapshots.view(id, identity.session_id, workspaceIdOf(identity));
  }
}
