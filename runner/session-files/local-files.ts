import { access, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { SessionFiles } from '../../protocol/api/files.ts';
import type { RunnerNotice } from '../../protocol/link/runner-notice.ts';
import type { Reason } from '../../protocol/reason.ts';
import type { SnapshotReport, TreeKind } from '../../protocol/link/runner-control.ts';
import type { SnapshotTrigger } from '../../protocol/api/workspace.ts';
import type { Owner } from '../backend/backend.ts';
import { changedSince } from '../lib/changed-since.ts';
import { planFiles, replaceFiles, TREES, type TreeStep } from './prepare/plan.ts';
import { LOST, notRestored, REMOVED } from './prepare/reasons.ts';
import { FilesRecord } from './record.ts';
import type { FilesState } from './state.ts';
import type { BackoffRange } from '../lib/backoff.ts';
import type { Log } from '../lib/log.ts';
import { removeFolder } from '../lib/remove-folder.ts';
import { makeSessionFolders, type SessionFolders } from '../lib/session-folders.ts';
import type { Semaphore } from '../lib/semaphore.ts';
import { cacheFolder, SnapshotQueue, stampFile, type Activity } from './snapshots/snapshot-queue.ts';
import type { Snapshots } from '../snapshot/snapshots.ts';
import { recoverTree } from '../snapshot/restore/swap-tree.ts';

/** After a write from outside, until it is saved: more may follow at once. Milliseconds. */
const WRITTEN_MS = 2_000;
const TOUCH_MS = 3_600_000;

/** What all of a runner's sessions share. */
export interface FilesSurroundings {
  snapshots: Pick<Snapshots, 'save' | 'restore'>;
  semaphore: Semaphore;
  /** The storage's id, as far as it is known by now. */
  storage: () => string;
  /** Says it until it is acknowledged. */
  report: (sessionId: string, report: SnapshotReport) => void;
  /** Says what is of use only now; false: nobody hears it. */
  news: (sessionId: string, report: SnapshotReport) => boolean;
  /** Whose the trees are to be. */
  owner: Owner | undefined;
  /** False: a container that an earlier runner process started may still run unseen. */
  certain: () => boolean;
  /** Between two snapshots of a session that works, milliseconds; 0: none. */
  everyMs: number;
  log: Log;
  writtenMs?: number;
  backoff?: BackoffRange;
}

export type Restored = Extract<RunnerNotice, { host_notice: 'restored' }>;
export type Prepared = { ok: true; restored: Restored | undefined } | { ok: false; reason: Reason };

/** One session's files on this runner: made ready for what is to use them, and saved when it is done. */
export class LocalFiles {
  readonly #id: string;
  readonly #folders: SessionFolders;
  readonly #surroundings: FilesSurroundings;
  readonly #log: Log;
  readonly #record: FilesRecord;
  readonly #queue: SnapshotQueue;
  readonly #activity: Activity = { launching: false, running: false, writing: 0, changes: 0 };
  readonly #closed = new AbortController();
  #preparing: Promise<unknown> = Promise.resolve();
  #busy = 0;
  #periodic: NodeJS.Timeout | undefined;
  #written: NodeJS.Timeout | undefined;

  private constructor(id: string, folders: SessionFolders, surroundings: FilesSurroundings, record: FilesRecord) {
    this.#id = id;
    this.#folders = folders;
    this.#surroundings = surroundings;
    this.#log = surroundings.log.with({ session: id });
    this.#record = record;
    const { snapshots, semaphore, storage, backoff } = surroundings;
    this.#queue = new SnapshotQueue({
      record,
      folders,
      snapshots,
      semaphore,
      storage,
      certain: surroundings.certain,
      activity: () => this.#activity,
      report: (report) => surroundings.report(id, report),
      news: (report) => surroundings.news(id, report),
      log: this.#log,
      ...(backoff && { backoff }),
    });
  }

  /** @throws when what is noted of them cannot be read */
  static async open(id: string, folders: SessionFolders, surroundings: FilesSurroundings): Promise<LocalFiles> {
    return new LocalFiles(id, folders, surroundings, await FilesRecord.read(folders));
  }

  /** What is known of them; undefined: nothing. */
  get state(): FilesState | undefined {
    return this.#record.state;
  }

  get folders(): SessionFolders {
    return this.#folders;
  }

  /** Nothing uses them, and the storage has them: they can be had again. */
  get spare(): boolean {
    const { state } = this;
    const { running, writing } = this.#activity;
    if (state === undefined || this.#busy > 0 || running || writing > 0) return false;
    return state.complete && !state.dirty && state.saves.length === 0 && state.reports.length === 0;
  }

  /** Goes on with what an earlier runner process owed. `running`: its container is still there. */
  async takeUp(running: boolean): Promise<void> {
    const { state } = this;
    if (state === undefined) return;
    for (const report of state.reports) this.#surroundings.report(this.#id, report);
    if (running) this.#run();
    else if (this.#activity.running || this.#activity.launching) return;
    else if (state.complete && state.dirty) {
      await this.#clearCut();
      if (!state.saves.some((owed) => !owed.copied)) await this.#queue.want('parked');
    }
    this.#queue.kick();
  }

  /**
   * Makes both trees ready: as they are here, from the storage, or empty. With a container running they are.
   *
   * @param launch a container is about to be started on them: a snapshot that is being taken makes way
   * @param signal nobody wants them any more
   */
  async prepare(files: SessionFiles, launch: boolean, signal?: AbortSignal): Promise<Prepared> {
    return await this.#alone(async () => {
      if (this.#closed.signal.aborted) return { ok: false, reason: REMOVED };
      if (this.#activity.running) return { ok: true, restored: undefined };
      const plan = planFiles(files, this.state, await this.#here());
      if (plan.kind === 'lost') return { ok: false, reason: LOST };
      if (plan.kind === 'local') {
        this.#activity.launching = launch;
        if (launch) await this.#makeWay();
        await this.#noteLocal(files);
        await makeSessionFolders(this.#folders, this.#surroundings.owner);
        return { ok: true, restored: undefined };
      }
      this.#activity.launching = launch;
      await this.#queue.hold();
      try {
        const closed = this.#closed.signal;
        return await this.#make(
          files,
          plan.steps,
          launch,
          signal === undefined ? closed : AbortSignal.any([closed, signal]),
        );
      } finally {
        this.#queue.release();
      }
    });
  }

  /** Whether a repository is to be cloned into the workspace, which has been made ready. */
  async toClone(files: SessionFiles): Promise<boolean> {
    const clone = this.state?.clone ?? 'none';
    if (files.start !== null || clone === 'cloned' || clone === 'done') return false;
    return (await readdir(this.#folders.workspace)).length === 0;
  }

  /** A container is about to be started: from now on anything may change. Resolves when that is on the disk. */
  async launched(files: SessionFiles, clone: boolean): Promise<void> {
    this.#activity.changes += 1;
    this.#run();
    const before = this.state?.clone ?? 'none';
    await this.#record.change({
      version: files.version,
      dirty: true,
      clone: clone ? 'begun' : before === 'none' ? 'none' : 'done',
      touched_at: now(),
    });
  }

  /** The container is gone, or never came to be. */
  async ended(): Promise<void> {
    const ran = this.#activity.running;
    this.#activity.running = false;
    clearInterval(this.#periodic);
    if (!ran || this.state === undefined || this.#closed.signal.aborted) return;
    await this.#clearCut();
    await this.#record.change({ touched_at: now() });
    await this.#queue.want('parked');
  }

  /** The container said that the clone is done, and waits. Resolves when it may go on: it is kept what was cloned, if it can be. */
  async cloned(): Promise<void> {
    const clone = this.state?.clone;
    if (clone !== 'begun' && clone !== 'cloned') return;
    await this.#record.change({ clone: 'cloned' });
    await this.#queue.start();
    await this.#record.change({ clone: 'done' });
  }

  /** What they were prepared for does not come: no container was started on them. */
  notLaunched(): void {
    this.#activity.launching = false;
    this.#queue.kick();
  }

  /** The edge asks for a snapshot; what is here has been made ready. */
  async order(snapshotId: string, trigger: SnapshotTrigger): Promise<void> {
    await this.#queue.order(snapshotId, trigger);
  }

  /** Before the first byte of a write from outside. Resolves when it is noted on the disk. */
  async beginWrite(files: SessionFiles): Promise<void> {
    const { state } = this;
    if (state === undefined) throw new Error('there are no files of this session here');
    this.#activity.changes += 1;
    this.#activity.writing += 1;
    clearTimeout(this.#written);
    const { running } = this.#activity;
    await this.#record.change({
      version: Math.max(state.version, files.version),
      dirty: true,
      // What is there now is the client's: it is not what a clone left that was cut short.
      clone: state.clone === 'begun' && !running ? 'none' : state.clone,
      touched_at: now(),
    });
  }

  endWrite(): void {
    this.#activity.writing -= 1;
    // A container's snapshots will hold it.
    if (this.#activity.writing > 0 || this.#activity.running || this.#closed.signal.aborted) return;
    clearTimeout(this.#written);
    this.#written = setTimeout(() => {
      if (!this.#activity.running) this.#want('written');
    }, this.#surroundings.writtenMs ?? WRITTEN_MS).unref();
  }

  /** The edge has this report. */
  async acknowledged(snapshotId: string): Promise<void> {
    const reports = this.state?.reports.filter((report) => report.snapshot_id !== snapshotId);
    if (reports !== undefined) await this.#record.change({ reports });
  }

  /** Another try of what is not saved, if nothing is under way. */
  async retry(): Promise<void> {
    const { state } = this;
    if (state === undefined || this.#activity.running || !state.complete || !state.dirty) return;
    if (state.saves.length === 0 && state.reports.length === 0) await this.#queue.want('parked');
  }

  /** These are not in the storage any more. */
  async dropped(snapshotIds: ReadonlySet<string>): Promise<void> {
    const base = this.state?.base ?? null;
    if (base !== null && snapshotIds.has(base)) await this.#record.change({ base: null });
  }

  /** Resolves when no snapshot is being taken, nor could be at once. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  /** Lets go of them as they are. */
  async close(): Promise<void> {
    this.#closed.abort();
    clearInterval(this.#periodic);
    clearTimeout(this.#written);
    await this.#queue.close();
    await this.#preparing.catch(() => undefined);
    await this.#record.discard();
  }

  async #alone<T>(act: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    const mine = this.#preparing
      .catch(() => undefined)
      .then(act)
      .finally(() => (this.#busy -= 1));
    this.#preparing = mine;
    return await mine;
  }

  async #here(): Promise<boolean> {
    if (this.state?.complete === false) return false;
    const folders = [this.#folders.workspace, this.#folders.claude];
    // A restore may have been cut short between its two renames.
    for (const folder of folders) recoverTree(folder);
    return await Promise.all(folders.map((folder) => access(folder))).then(
      () => true,
      () => false,
    );
  }

  /** A snapshot that is being taken ends, so that the start has the machine to itself; it stays owed. */
  async #makeWay(): Promise<void> {
    await this.#queue.hold();
    try {
      await this.#clearCut();
      await this.#queue.secureStart();
    } finally {
      this.#queue.release();
    }
  }

  /** A clone that was cut short leaves half a repository, which the next one would stumble over. */
  async #clearCut(): Promise<void> {
    if (this.state?.clone !== 'begun') return;
    const { workspace } = this.#folders;
    await removeFolder(...(await readdir(workspace)).map((name) => path.join(workspace, name)));
  }

  async #noteLocal({ owner, quota_bytes, version }: SessionFiles): Promise<void> {
    const { state } = this;
    const touched_at = now();
    if (state !== undefined) {
      const same = quota_bytes === state.quota_bytes && version <= state.version;
      // A read an hour after another is news; not each of a thousand.
      if (same && Date.parse(touched_at) - Date.parse(state.touched_at) < TOUCH_MS) return;
      return await this.#record.change({ quota_bytes, version: Math.max(state.version, version), touched_at });
    }
    // From before anything was noted of files.
    const trees = { workspace: null, conversation: null };
    const known = { complete: true, dirty: true, trees, base: null, clone: 'done' as const };
    await this.#record.set({ owner, quota_bytes, version, ...known, touched_at, saves: [], reports: [] });
  }

  async #make(
    files: SessionFiles,
    steps: Record<TreeKind, TreeStep>,
    launch: boolean,
    signal: AbortSignal,
  ): Promise<Prepared> {
    const begun = performance.now();
    const { snapshots, owner } = this.#surroundings;
    // Nothing was here and nothing comes: there is nothing that a crash could mistake, and `launched` writes before anything can change.
    const fresh = launch && this.state === undefined && TREES.every((tree) => steps[tree].do === 'empty');
    const note = async (state: FilesState): Promise<void> => {
      if (fresh) this.#record.keep(state);
      else await this.#record.set(state);
    };
    const { state: becoming, failed } = replaceFiles(this.state, files, steps, now(), this.#surroundings.storage());
    await mkdir(this.#folders.root, { recursive: true, mode: 0o700 });
    await note(becoming);
    for (const report of failed) this.#surroundings.report(this.#id, report);
    const total = { files: 0, bytes: 0 };
    for (const tree of TREES) {
      const step = steps[tree];
      const into = tree === 'workspace' ? this.#folders.workspace : this.#folders.claude;
      if (step.do === 'keep') continue;
      if (step.do === 'empty') {
        await removeFolder(into);
        continue;
      }
      const { snapshot_id } = step;
      const cache = cacheFolder(this.#folders);
      const input = { owner: files.owner, snapshot_id, tree, into, cache, as: owner, signal };
      const restored = await snapshots.restore(input);
      if (!restored.ok) {
        this.#log.warn('files not restored', { snapshot: snapshot_id, tree, why: restored.why });
        return { ok: false, reason: notRestored(snapshot_id, tree, restored) };
      }
      total.files += restored.files;
      total.bytes += restored.bytes;
    }
    await makeSessionFolders(this.#folders, owner);
    const { trees } = becoming;
    await note({ ...(this.state ?? becoming), complete: true, base: trees.workspace ?? trees.conversation });
    const from = TREES.map((tree) => steps[tree]).find((step) => step.do === 'restore');
    if (from === undefined) return { ok: true, restored: undefined };
    const ms = Math.round(performance.now() - begun);
    return { ok: true, restored: { host_notice: 'restored', snapshot_id: from.snapshot_id, ...total, ms } };
  }

  #run(): void {
    this.#activity.launching = false;
    this.#activity.running = true;
    const { everyMs } = this.#surroundings;
    clearInterval(this.#periodic);
    if (everyMs > 0) this.#periodic = setInterval(() => void this.#saveIfChanged(), everyMs).unref();
  }

  async #saveIfChanged(): Promise<void> {
    try {
      const folders = [this.#folders.workspace, this.#folders.claude];
      const changed = await changedSince(stampFile(this.#folders), folders);
      if (changed && this.#activity.running && this.state?.clone !== 'begun') this.#want('periodic');
    } catch (error) {
      this.#log.error('no periodic snapshot', { error });
    }
  }

  #want(trigger: SnapshotTrigger): void {
    this.#queue.want(trigger).catch((error: unknown) => this.#log.error('snapshot not noted', { trigger, error }));
  }
}

const now = () => new Date().toISOString();
