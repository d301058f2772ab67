import type { Refusal } from '../../../protocol/api/problem.ts';
import type { SnapshotTrigger, SnapshotView } from '../../../protocol/api/workspace.ts';
import { describeFiles, isSettled, present, treesInUse } from '../core/files.ts';
import type { SessionCore } from '../store/store.ts';
import { needsOf, type SessionOutreach } from '../container/launch.ts';
import { workspaceIdOf } from '../store/record.ts';
import type { SnapshotPage } from '../store/tables/snapshot-table.ts';
import { Teller } from '../../shared/retrying-call.ts';
import { Waiters } from '../../shared/waiters.ts';

/** Until a snapshot of which no runner has spoken is ordered again, milliseconds. */
const REORDER_MS = 15_000;
/** How long a fork waits for its snapshot, milliseconds. */
const STORED_MS = 60_000;

const NONE: Refusal = {
  refused: 'files_unavailable',
  detail: 'The session has no files of its own yet: it has not run. Send it a message first.',
};

const UNKNOWN: Refusal = {
  refused: 'snapshot_not_found',
  detail: 'This session has no such snapshot, or it is not kept any more.',
};

/** A session's snapshots: asked for, ordered of its runner, and told to the owner's directory once they are stored. */
export class SessionSnapshots {
  readonly #core: SessionCore;
  readonly #outreach: SessionOutreach;
  readonly #retry: () => void;
  readonly #teller: Teller;
  readonly #waiters = new Waiters();

  /** @param retry asked to have `tell` called at `nextTry` */
  constructor(ctx: DurableObjectState, core: SessionCore, outreach: SessionOutreach, retry: () => void) {
    this.#core = core;
    this.#outreach = outreach;
    this.#retry = retry;
    const parts = { isDue: () => this.#isDue(), tell: () => this.#work(), retry };
    this.#teller = new Teller({ ctx, whom: 'the keeper of its snapshots', ...parts });
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    return this.#teller.nextTry() ?? this.#core.snapshots.work().owedAt;
  }

  /** Tells and orders what there is to tell and order. */
  tell(): void {
    this.#teller.tell();
  }

  /** Asks for a snapshot of how the files are now; of parked files that are saved it is the one that there is. */
  async request(id: string, trigger: SnapshotTrigger): Promise<SnapshotView | Refusal> {
    const known = this.#view(id);
    if (known !== null) return known;
    const saved = this.#saved();
    if (saved !== null) return saved;
    const full = await this.#outreach.directory.quotaRefusal();
    if (full !== null) return full;
    if (this.#core.record === null) return UNKNOWN;
    const { content, launch } = this.#core.current.files;
    if (content === 1 && (launch === null || launch.runner === null)) return NONE;
    this.#core.change((draft) => draft.askSnapshot(id, trigger));
    return this.#view(id) ?? UNKNOWN;
  }

  /** The snapshot to fork from: the one that is named, or one of how the files are now (`id`), once it is stored. */
  async forFork(id: string, named: string | undefined): Promise<{ readonly snapshot_id: string } | Refusal> {
    if (named !== undefined) {
      const view = await this.show(named);
      if ('refused' in view || view.state !== 'stored') return UNKNOWN;
      return this.#stored(named);
    }
    const asked = await this.request(id, 'forked');
    return 'refused' in asked ? asked : this.#stored(asked.snapshot_id);
  }

  async list(cursor: string | undefined, limit: number): Promise<SnapshotPage> {
    await this.#lookUp();
    const { identity } = this.#core.current;
    return this.#core.snapshots.page(identity.session_id, workspaceIdOf(identity), cursor ?? null, limit);
  }

  async show(id: string): Promise<SnapshotView | Refusal> {
    await this.#lookUp();
    return this.#view(id) ?? UNKNOWN;
  }

  /** Something has changed: who waits may look. */
  changed(): void {
    this.#waiters.wakeAll();
  }

  /** Waits until a snapshot is stored and the directory knows, so that it can be begun from. */
  async #stored(id: string): Promise<{ readonly snapshot_id: string } | Refusal> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => resolve('late'), STORED_MS);
    try {
      for (;;) {
        if (this.#core.record === null) return UNKNOWN;
        const view = this.#view(id);
        if (view === null) return UNKNOWN;
        if (view.state === 'failed') {
          return {
            refused: 'storage_unavailable',
            detail: `The snapshot failed: ${view.detail ?? 'no reason is known.'}`,
          };
        }
        if (view.state === 'stored' && this.#core.snapshots.isTold(id)) return { snapshot_id: id };
        if ((await Promise.race([this.#waiters.wait(id), late])) === 'late') {
          const why = view.detail === null ? '' : ` ${view.detail}`;
          const detail = `The snapshot ${id} is not stored yet.${why} Once it is, fork from it: {"snapshot":"${id}"}.`;
          return { refused: 'snapshot_pending', detail };
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #work(): Promise<void> {
    try {
      await this.#tellDirectory();
      await this.#order();
    } finally {
      this.changed();
      this.#outreach.tell();
    }
    // What was ordered is ordered again, should no runner speak of it.
    this.#retry();
  }

  #isDue(): boolean {
    if (this.#core.record === null) return false;
    const { untold, owedAt } = this.#core.snapshots.work();
    return untold || (owedAt !== null && owedAt <= Date.now());
  }

  async #tellDirectory(): Promise<void> {
    const { identity } = this.#core.current;
    const { snapshots } = this.#core;
    for (const { view, storage, owner_bytes } of snapshots.untold(identity.session_id, workspaceIdOf(identity))) {
      const { files } = this.#core.current;
      const newest = files.newest?.snapshot_id === view.snapshot_id;
      await this.#outreach.directory.recordSnapshot({ view, storage, newest, owner_bytes, uses: treesInUse(files) });
      if (this.#core.record === null) return;
      snapshots.setTold(view.snapshot_id);
    }
  }

  async #order(): Promise<void> {
    const { snapshots } = this.#core;
    if (this.#core.record === null) return;
    for (const { snapshot_id, trigger } of snapshots.owed(Date.now())) {
      const { identity, files } = this.#core.current;
      const { session_id } = identity;
      const { base, version } = present(files);
      const described = describeFiles(files, base, version, this.#outreach.owner, this.#outreach.quotaBytes);
      const order = { kind: 'snapshot', session_id, snapshot_id, trigger, files: described } as const;
      const ordered = await this.#outreach.pool.order(needsOf(base), order);
      if (this.#core.record === null) return;
      snapshots.setOwed(snapshot_id, Date.now() + REORDER_MS, ordered.sent ? null : ordered.detail);
    }
  }

  /** Of parked files that are saved, the snapshot that has them. */
  #saved(): SnapshotView | null {
    const { files } = this.#core.current;
    if (!isSettled(files) || files.saved.workspace === null) return null;
    const view = this.#view(files.saved.workspace);
    return view?.state === 'stored' ? view : null;
  }

  /** Snapshots that the owner's retention has let go are listed no longer. */
  async #lookUp(): Promise<void> {
    const asked = this.#core.snapshots.toldIds();
    if (asked.length === 0) return;
    const kept = new Set(await this.#outreach.directory.keptSnapshots(asked));
    const gone = asked.filter((id) => !kept.has(id));
    if (this.#core.record !== null) this.#core.snapshots.forget(gone, this.#core.settings.SNAPSHOTS_KEPT);
  }

  #view(id: string): SnapshotView | null {
    const { identity } = this.#core.current;
    return this.#core.snapshots.view(id, identity.session_id, workspaceIdOf(identity));
  }
}
