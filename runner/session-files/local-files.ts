import type { SessionFiles } from '../../protocol/api/files/files.ts';
import type { SnapshotTrigger } from '../../protocol/api/files/workspace.ts';
import type { Log } from '../lib/log.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { makeSessionFolders, type SessionFolders } from '../lib/session-folders.ts';
import { CloneProgress } from './clone-progress.ts';
import type { FilesDependencies } from './dependencies.ts';
import { hasTrees, makeTrees, type Prepared } from './prepare/make-trees.ts';
import { planFiles } from './prepare/plan.ts';
import { LOST, REMOVED } from './prepare/reasons.ts';
import { FilesRecord } from './record.ts';
import { SnapshotQueue } from './snapshots/snapshot-queue.ts';
import { SnapshotTimers } from './snapshots/snapshot-timers.ts';
import type { Activity } from './snapshots/take-snapshot.ts';
import type { FilesState } from './state.ts';

/** How old `touched_at` must be before a read changes it, milliseconds: not each of a thousand reads is written down. */
const TOUCH_MS = 3_600_000;

/** One session's files on this runner: made ready for a container or a client, and saved when that is done. */
export class LocalFiles {
  readonly folders: SessionFolders;
  readonly clone: CloneProgress;
  readonly #id: string;
  readonly #dependencies: FilesDependencies;
  readonly #log: Log;
  readonly #record: FilesRecord;
  readonly #queue: SnapshotQueue;
  readonly #timers: SnapshotTimers;
  readonly #activity: Activity = { launching: false, running: false, writing: 0, changes: 0 };
  readonly #closed = new AbortController();
  /** Preparations run one after the other. */
  readonly #preparations = new Semaphore(1);

  private constructor(id: string, folders: SessionFolders, dependencies: FilesDependencies, record: FilesRecord) {
    this.#id = id;
    this.folders = folders;
    this.#dependencies = dependencies;
    this.#log = dependencies.log.with({ session: id });
    this.#record = record;
    const { snapshots, semaphore, storage, containersKnown, everyMs, writtenMs, backoff } = dependencies;
    this.#queue = new SnapshotQueue({
      record,
      folders,
      snapshots,
      semaphore,
      storage,
      containersKnown,
      activity: () => this.#activity,
      report: (report) => dependencies.report(id, report),
      sendUpdate: (report) => dependencies.sendUpdate(id, report),
      log: this.#log,
      ...(backoff && { backoff }),
    });
    const onDue = (trigger: SnapshotTrigger): void => this.#onDue(trigger);
    const sync = () => this.#sync();
    this.clone = new CloneProgress({ workspace: folders.workspace, record, queue: this.#queue, sync });
    this.#timers = new SnapshotTimers({ folders, everyMs, writtenMs, sync, onDue, log: this.#log });
  }

  /** @throws when the record of the files cannot be read */
  static async open(id: string, folders: SessionFolders, dependencies: FilesDependencies): Promise<LocalFiles> {
    return new LocalFiles(id, folders, dependencies, await FilesRecord.read(folders));
  }

  /** The record of the files; undefined: there is none. */
  get state(): FilesState | undefined {
    return this.#record.state;
  }

  /** Nothing uses the files and the storage has them, so they can be removed here and restored later. */
  get removable(): boolean {
    const { state } = this;
    const { running, writing } = this.#activity;
    if (state === undefined || !this.#preparations.isIdle || running || writing > 0) return false;
    return state.complete && !state.dirty && state.saves.length === 0 && state.reports.length === 0;
  }

  /** Continues what an earlier runner process began. `running`: a container still uses the files. */
  async adopt(running: boolean): Promise<void> {
    const { state } = this;
    if (state === undefined) return;
    for (const report of state.reports) this.#dependencies.report(this.#id, report);
    if (running) this.#containerRuns();
    else if (this.#activity.running || this.#activity.launching) return;
    else if (state.complete && state.dirty) {
      await this.clone.removePartial();
      if (!state.saves.some((queued) => !queued.copied)) await this.#queue.add('parked');
    }
    this.#queue.kick();
  }

  /**
   * Makes both trees ready: as they are here, from the storage, or empty. While a container runs they are ready.
   *
   * @param launch a container is about to be started on them; a snapshot that is being taken is cancelled for it
   * @param signal aborted when nobody needs them any more
   * @param live what a container has written elsewhere is needed there alone
   */
  async prepare(files: SessionFiles, launch: boolean, signal?: AbortSignal, live = false): Promise<Prepared> {
    return await this.#preparations.run(async () => {
      const closed = this.#closed.signal;
      if (closed.aborted) return { ok: false, reason: REMOVED };
      if (this.#activity.running) {
        if (!live) await this.#sync();
        return { ok: true, restored: undefined };
      }
      const plan = planFiles(files, this.state, await this.#areHere());
      if (plan.kind === 'lost') return { ok: false, reason: LOST };
      // A client that reads or writes meanwhile does not end a launch.
      if (launch) this.#activity.launching = true;
      if (plan.kind === 'local') {
        if (launch) await this.#interruptSnapshot();
        await this.#recordLocal(files);
        await makeSessionFolders(this.folders, this.#dependencies.owner);
        return { ok: true, restored: undefined };
      }
      await this.#queue.suspend();
      try {
        return await makeTrees({
          sessionId: this.#id,
          folders: this.folders,
          record: this.#record,
          dependencies: this.#dependencies,
          files,
          steps: plan.steps,
          launch,
          signal: signal === undefined ? closed : AbortSignal.any([closed, signal]),
          log: this.#log,
        });
      } finally {
        this.#queue.resume();
      }
    });
  }

  /** A container is about to be started: from now on files may change. Resolves when the record on the disk says so. */
  async launched(files: SessionFiles, clones: boolean): Promise<void> {
    this.#activity.changes += 1;
    this.#containerRuns();
    await this.#record.change({
      version: files.version,
      dirty: true,
      clone: this.clone.atLaunch(clones),
      touched_at: now(),
    });
  }

  /** The container has ended, or never started. */
  async ended(): Promise<void> {
    const ran = this.#activity.running;
    this.#activity.running = false;
    this.#timers.stopPeriodic();
    if (!ran || this.state === undefined || this.#closed.signal.aborted) return;
    await this.clone.removePartial();
    // Written with the queue.
    this.#record.setInMemory({ ...this.state, touched_at: now() });
    await this.#queue.add('parked');
  }

  /** No container was started on the files, though they were prepared for one. */
  notLaunched(): void {
    this.#activity.launching = false;
    this.#queue.kick();
  }

  /** The edge requests a snapshot. The files have been made ready. */
  async requestSnapshot(snapshotId: string, trigger: SnapshotTrigger): Promise<void> {
    await this.#queue.addRequested(snapshotId, trigger);
  }

  /**
   * To be called before the first byte of a client's write. Resolves when the record on the disk says so.
   *
   * @param live it is written where a container has the files
   */
  async beginWrite(files: SessionFiles, live = false): Promise<void> {
    const { state } = this;
    if (state === undefined) throw new Error('there are no files of this session here');
    if (this.#activity.running && this.#dependencies.sync !== undefined && !live)
      throw new Error('the session’s task has them, and has just ended');
    this.#activity.changes += 1;
    this.#activity.writing += 1;
    this.#timers.stopWritten();
    try {
      await this.#record.change({
        version: Math.max(state.version, files.version),
        dirty: true,
        touched_at: now(),
      });
    } catch (error) {
      // The disk may be full. Nothing is written then, so there is no `endWrite`.
      this.endWrite();
      throw error;
    }
  }

  endWrite(): void {
    this.#activity.writing -= 1;
    // While a container runs, its own snapshots save the write.
    if (this.#activity.writing > 0 || this.#activity.running || this.#closed.signal.aborted) return;
    this.#timers.startWritten();
  }

  /** The edge has acknowledged this report. */
  async acknowledged(snapshotId: string): Promise<void> {
    const reports = this.state?.reports.filter((report) => report.snapshot_id !== snapshotId);
    if (reports !== undefined) await this.#record.change({ reports });
  }

  /** Tries again to save what is not saved, if no snapshot is queued. */
  async retry(): Promise<void> {
    const { state } = this;
    if (state === undefined || this.#activity.running || !state.complete || !state.dirty) return;
    if (state.saves.length === 0 && state.reports.length === 0) await this.#queue.add('parked');
  }

  /** These snapshots are not in the storage any more. */
  async dropped(snapshotIds: ReadonlySet<string>): Promise<void> {
    const base = this.state?.base ?? null;
    if (base !== null && snapshotIds.has(base)) await this.#record.change({ base: null });
  }

  /** Resolves when no snapshot is being taken, and none could be taken at once. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  /** Stops all work on the files, and leaves them as they are. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#timers.close();
    await this.#queue.close();
    // Those that have begun have ended.
    await this.#preparations.run(async () => {});
    await this.#record.discard();
  }

  /** What a container has written elsewhere comes here. No snapshot is taken of half of it. */
  async #sync(): Promise<void> {
    const { sync } = this.#dependencies;
    if (sync === undefined) return;
    await this.#queue.suspend();
    try {
      await sync(this.#id);
    } finally {
      this.#queue.resume();
    }
  }

  async #areHere(): Promise<boolean> {
    return this.state?.complete !== false && (await hasTrees(this.folders));
  }

  /** Cancels a snapshot that is being taken, which stays queued, so that the start has the machine to itself. */
  async #interruptSnapshot(): Promise<void> {
    await this.#queue.suspend();
    try {
      await this.clone.removePartial();
      await this.#queue.copyStart();
    } finally {
      this.#queue.resume();
    }
  }

  async #recordLocal({ owner, quota_bytes, version }: SessionFiles): Promise<void> {
    const { state } = this;
    const touched_at = now();
    if (state !== undefined) {
      const same = quota_bytes === state.quota_bytes && version <= state.version;
      if (same && Date.parse(touched_at) - Date.parse(state.touched_at) < TOUCH_MS) return;
      return await this.#record.change({ quota_bytes, version: Math.max(state.version, version), touched_at });
    }
    // The files are older than records of files.
    const trees = { workspace: null, conversation: null };
    const known = { complete: true, dirty: true, trees, base: null, clone: 'done' as const };
    await this.#record.set({ owner, quota_bytes, version, ...known, touched_at, saves: [], reports: [] });
  }

  #containerRuns(): void {
    this.#activity.launching = false;
    this.#activity.running = true;
    this.#timers.startPeriodic();
  }

  #onDue(trigger: SnapshotTrigger): void {
    const { running } = this.#activity;
    const due = trigger === 'periodic' ? running && this.state?.clone !== 'begun' : !running;
    if (!due) return;
    this.#queue.add(trigger).catch((error: unknown) => this.#log.error('snapshot not queued', { trigger, error }));
  }
}

const now = () => new Date().toISOString();
