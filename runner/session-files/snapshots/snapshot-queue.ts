import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import type { SnapshotTrigger } from '../../../protocol/api/files/workspace.ts';
import type { SnapshotReport } from '../../../protocol/link/runner-control.ts';
import { backoffMs, type BackoffRange } from '../../lib/backoff.ts';
import { markUnchanged } from '../../lib/changed-since.ts';
import { messageOf } from '../../lib/log.ts';
import { runnerMetrics } from '../../lib/metrics.ts';
import type { Semaphore } from '../../lib/semaphore.ts';
import type { FilesRecord } from '../record.ts';
import { blankReport, type FilesState, type QueuedSnapshot } from '../state.ts';
import { makeStartCopy, removeStartCopy, stampFile } from './snapshot-folders.ts';
import { takeSnapshot, type Attempt, type TakeSnapshotOptions } from './take-snapshot.ts';

const BACKOFF: BackoffRange = { minMs: 1_000, maxMs: 60_000 };

export interface SnapshotQueueOptions extends TakeSnapshotOptions {
  record: FilesRecord;
  /** Limits how many snapshots this runner takes at once. */
  semaphore: Semaphore;
  /** Sends a report, which is in the record, until it is acknowledged. */
  report: (report: SnapshotReport) => void;
  /** Sends a report that is of use only now; false: there is no connection. */
  sendUpdate: (report: SnapshotReport) => boolean;
  backoff?: BackoffRange;
}

/**
 * One session's snapshots. They are taken one at a time, and each is tried until it is stored or cannot be. The queue is in
 * the record, and so outlives the runner process.
 */
export class SnapshotQueue {
  readonly #options: SnapshotQueueOptions;
  #loop: Promise<void> | undefined;
  #attempt: Promise<Attempt['outcome'] | 'nothing'> | undefined;
  #current: { snapshot_id: string; abort: AbortController } | undefined;
  /** While it is above 0, no snapshot is begun. */
  #suspended = 0;
  #closed = false;
  /** Set while the queue waits before the next try. Its abort ends the wait. */
  #backoff: AbortController | undefined;
  /** Tries in a row at which the storage could not be reached. */
  #failures = 0;
  #settledWaiters: (() => void)[] = [];
  /** Called when a snapshot is finished, or copied, by its id. */
  readonly #onSecured = new Map<string, () => void>();

  constructor(options: SnapshotQueueOptions) {
    this.#options = options;
  }

  /** Adds a snapshot that the edge requests. The request may come more than once. */
  async addRequested(snapshot_id: string, trigger: SnapshotTrigger): Promise<void> {
    const state = this.#state();
    const done = state.reports.find((report) => report.snapshot_id === snapshot_id);
    if (done !== undefined) return this.#options.report(done);
    if (state.saves.some((queued) => queued.snapshot_id === snapshot_id)) return this.kick();
    await this.#setQueue([...state.saves, newSnapshot(trigger, snapshot_id, true)]);
  }

  /** Adds a snapshot of the runner's own. It replaces an earlier one that still waits, and takes over its id. */
  async add(trigger: SnapshotTrigger): Promise<void> {
    const { saves } = this.#state();
    const waiting = saves.find((queued) => isReplaceable(queued) && queued.snapshot_id !== this.#current?.snapshot_id);
    const added = newSnapshot(trigger, waiting?.snapshot_id ?? uuidV7(), false);
    await this.#setQueue([...saves.filter((queued) => queued !== waiting), { ...added, told: waiting?.told ?? false }]);
  }

  /** Saves what was cloned, before anything works on it. Resolves when it is stored, or copied, or cannot be saved. */
  async saveStart(): Promise<void> {
    const { saves } = this.#state();
    const earlier = saves.find((queued) => queued.trigger === 'start');
    if (earlier?.copied === true) return;
    const start = earlier ?? newSnapshot('start', uuidV7(), false);
    const secured = new Promise<void>((resolve) => this.#onSecured.set(start.snapshot_id, resolve));
    await this.#setQueue(earlier === undefined ? [...saves, start] : saves);
    await secured;
  }

  /** Starts the loop if there is something to do, and ends a wait before the next try. */
  kick(): void {
    if (this.#closed) return;
    this.#backoff?.abort();
    this.#loop ??= this.#work()
      .catch((error: unknown) => this.#options.log.error('snapshots are not taken any more', { error }))
      .finally(() => {
        this.#loop = undefined;
        this.#resolveSettled();
        // A snapshot may have been added after the loop's last check.
        if (this.#next() !== undefined) this.kick();
      });
  }

  /** Cancels the snapshot that is being taken, which stays in the queue, and begins none until `resume`. */
  async suspend(): Promise<void> {
    this.#suspended += 1;
    this.#current?.abort.abort();
    await this.#attempt;
  }

  resume(): void {
    this.#suspended -= 1;
    this.kick();
  }

  /** Resolves when no snapshot is being taken, and none could be taken at once. */
  async settled(): Promise<void> {
    if (this.#loop !== undefined && this.#backoff === undefined)
      await new Promise<void>((resolve) => this.#settledWaiters.push(resolve));
  }

  /** Takes no more snapshots. The queue stays in the record. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#backoff?.abort();
    await this.suspend();
    for (const resolve of this.#onSecured.values()) resolve();
    this.#resolveSettled();
  }

  /** Copies what was cloned, because the workspace is about to change. The snapshot is taken of the copy later. */
  async copyStart(): Promise<void> {
    const { record, folders } = this.#options;
    const start = record.state?.saves.find((queued) => queued.trigger === 'start' && !queued.copied);
    if (start === undefined) return;
    try {
      await makeStartCopy(folders);
      await this.#amend(start, { copied: true });
    } catch (error) {
      const detail = `The storage was away when the repository had been cloned, and it could not be set aside: ${messageOf(error)}`;
      const report = blankReport(start, this.#state().version, this.#options.storage());
      await this.#finish(start, { ...report, state: 'failed', detail });
      await removeStartCopy(folders);
    }
  }

  async #setQueue(saves: QueuedSnapshot[]): Promise<void> {
    try {
      await this.#options.record.change({ saves });
    } finally {
      // The disk may be full. The queue is known in memory, and is tried until there is room.
      this.kick();
    }
  }

  #next(): QueuedSnapshot | undefined {
    if (this.#closed || this.#suspended > 0) return undefined;
    const { launching, running } = this.#options.activity();
    const inUse = launching || running;
    const { state } = this.#options.record;
    // Half of a repository is no state that anyone asks for. Whoever does gets what is there when the clone is done.
    if (running && state?.clone === 'begun') return undefined;
    // A `parked` or `written` snapshot waits until the container has ended. A later trigger may replace it before.
    return state?.saves.find(
      (queued) => !inUse || queued.ordered || queued.trigger === 'start' || queued.trigger === 'periodic',
    );
  }

  async #work(): Promise<void> {
    while (this.#next() !== undefined) {
      const outcome = await this.#options.semaphore.run(async () => {
        this.#attempt = this.#try().catch((error: unknown) => {
          // The record could not be written.
          this.#options.log.error('snapshot not taken', { error });
          return 'unavailable';
        });
        return await this.#attempt.finally(() => (this.#attempt = undefined));
      });
      if (outcome === 'stored' || outcome === 'failed') this.#failures = 0;
      if (outcome === 'unavailable') await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    const range = this.#options.backoff ?? BACKOFF;
    // At least half of the backoff: the storage is not asked again at once.
    const ms = backoffMs(this.#failures++, range, 0.5 + Math.random() / 2);
    this.#backoff = new AbortController();
    this.#resolveSettled();
    await pause(ms, undefined, { signal: this.#backoff.signal, ref: false }).catch(() => undefined);
    this.#backoff = undefined;
  }

  #resolveSettled(): void {
    for (const resolve of this.#settledWaiters.splice(0)) resolve();
  }

  async #try(): Promise<Attempt['outcome'] | 'nothing'> {
    const { record, folders } = this.#options;
    const queued = this.#next();
    const { state } = record;
    if (queued === undefined || state === undefined) return 'nothing';
    const abort = new AbortController();
    this.#current = { snapshot_id: queued.snapshot_id, abort };
    try {
      const attempt = await takeSnapshot(this.#options, queued, state, abort.signal);
      switch (attempt.outcome) {
        case 'stored':
          await this.#finish(queued, attempt.report, attempt.patch);
          if (queued.copied) await removeStartCopy(folders);
          else await markUnchanged(stampFile(folders), attempt.startedAt);
          break;
        case 'failed':
          await this.#finish(queued, attempt.report);
          break;
        case 'unavailable':
          await this.#pending(queued, attempt.report);
          break;
        case 'interrupted':
          break;
      }
      return attempt.outcome;
    } finally {
      this.#current = undefined;
    }
  }

  async #pending(queued: QueuedSnapshot, report: SnapshotReport): Promise<void> {
    const { sendUpdate, log } = this.#options;
    if (this.#failures === 0) log.warn('snapshot pending', { snapshot: queued.snapshot_id, detail: report.detail });
    if (!queued.told && sendUpdate(report)) await this.#amend(queued, { told: true });
    if (queued.trigger !== 'start' || queued.copied) return;
    await this.copyStart();
    this.#secured(queued.snapshot_id);
  }

  /** Ends a snapshot. The record is written before the edge is notified. */
  async #finish(queued: QueuedSnapshot, report: SnapshotReport, patch: Partial<FilesState> = {}): Promise<void> {
    if (this.#closed) return;
    const { saves, reports } = this.#state();
    await this.#options.record.change({
      ...patch,
      saves: saves.filter(({ snapshot_id }) => snapshot_id !== queued.snapshot_id),
      reports: [...reports, report],
    });
    this.#options.report(report);
    runnerMetrics.count('cc_docker_runner_snapshots_total', { outcome: report.state });
    if (report.state === 'stored')
      runnerMetrics.count('cc_docker_runner_snapshot_stored_bytes_total', {}, report.new_bytes);
    this.#secured(queued.snapshot_id);
  }

  async #amend({ snapshot_id }: QueuedSnapshot, patch: Partial<QueuedSnapshot>): Promise<void> {
    const saves = this.#state().saves.map((one) => (one.snapshot_id === snapshot_id ? { ...one, ...patch } : one));
    await this.#options.record.change({ saves });
  }

  #secured(snapshotId: string): void {
    this.#onSecured.get(snapshotId)?.();
    this.#onSecured.delete(snapshotId);
  }

  #state(): FilesState {
    const { state } = this.#options.record;
    if (state === undefined) throw new Error('there are no files of this session here');
    return state;
  }
}

/** The edge waits for a requested one; and what a workspace began with is not what it is later. */
const isReplaceable = (queued: QueuedSnapshot) => !queued.ordered && queued.trigger !== 'start';

function newSnapshot(trigger: SnapshotTrigger, snapshot_id: string, ordered: boolean): QueuedSnapshot {
  return { snapshot_id, trigger, created_at: new Date().toISOString(), ordered, copied: false, told: false };
}
