import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import type { SnapshotReport } from '../../../protocol/link/runner-control.ts';
import type { SnapshotTrigger } from '../../../protocol/api/workspace.ts';
import { markUnchanged } from '../../lib/changed-since.ts';
import type { FilesRecord } from '../record.ts';
import { blankReport, type FilesState, type OwedSave } from '../state.ts';
import { backoffMs, type BackoffRange } from '../../lib/backoff.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import { removeFolder } from '../../lib/remove-folder.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';
import type { Semaphore } from '../../lib/semaphore.ts';
import type { Snapshots } from '../../snapshot/snapshots.ts';

const BACKOFF: BackoffRange = { minMs: 1_000, maxMs: 60_000 };
const DETAIL_CHARACTERS = 8192;
const SKIPPED = 20;

/** What goes on in a session's files. */
export interface Activity {
  /** A container is about to be started. */
  launching: boolean;
  /** A container runs, or may. */
  running: boolean;
  /** Writes from outside that are under way. */
  writing: number;
  /** Launches and writes so far. */
  changes: number;
}

export interface QueueOptions {
  record: FilesRecord;
  folders: SessionFolders;
  snapshots: Pick<Snapshots, 'save'>;
  /** At most so many at once on this runner. */
  semaphore: Semaphore;
  /** The storage's id, as far as it is known by now. */
  storage: () => string;
  activity: () => Activity;
  /** False: something may run on the files unseen. */
  certain: () => boolean;
  /** Says it until it is acknowledged; it is in the record already. */
  report: (report: SnapshotReport) => void;
  /** Says what is of use only now; false: nobody hears it. */
  news: (report: SnapshotReport) => boolean;
  log: Log;
  backoff?: BackoffRange;
}

type Attempt = 'stored' | 'failed' | 'unavailable' | 'interrupted' | 'nothing';

/** One session's snapshots, one at a time, each tried until it is stored or cannot be. What is owed outlives the runner. */
export class SnapshotQueue {
  readonly #options: QueueOptions;
  #loop: Promise<void> | undefined;
  #attempt: Promise<Attempt> | undefined;
  #current: { snapshot_id: string; abort: AbortController } | undefined;
  /** While it is above 0 nothing is begun. */
  #held = 0;
  #closed = false;
  /** It waits for the storage to come back. */
  #patience: AbortController | undefined;
  #failures = 0;
  #rested: (() => void)[] = [];
  readonly #outcomes = new Map<string, () => void>();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** The edge asks for one, perhaps not for the first time. */
  async order(snapshot_id: string, trigger: SnapshotTrigger): Promise<void> {
    const state = this.#state();
    const done = state.reports.find((report) => report.snapshot_id === snapshot_id);
    if (done !== undefined) return this.#options.report(done);
    if (state.saves.some((owed) => owed.snapshot_id === snapshot_id)) return this.kick();
    await this.#owe([...state.saves, newSave(trigger, snapshot_id, true)]);
  }

  /** The runner itself wants one; it stands in for an earlier one that still waits, under the same id. */
  async want(trigger: SnapshotTrigger): Promise<void> {
    const { saves } = this.#state();
    const waiting = saves.find((owed) => mergeable(owed) && owed.snapshot_id !== this.#current?.snapshot_id);
    const save = newSave(trigger, waiting?.snapshot_id ?? uuidV7(), false);
    await this.#owe([...saves.filter((owed) => owed !== waiting), { ...save, told: waiting?.told ?? false }]);
  }

  /** What was cloned, before anything works on it. Resolves when that may begin: it is stored, or copied, or cannot be saved. */
  async start(): Promise<void> {
    const { saves } = this.#state();
    const owed = saves.find((save) => save.trigger === 'start');
    if (owed?.copied === true) return;
    const save = owed ?? newSave('start', uuidV7(), false);
    const secured = new Promise<void>((resolve) => this.#outcomes.set(save.snapshot_id, resolve));
    await this.#owe(owed === undefined ? [...saves, save] : saves);
    await secured;
  }

  /** Looks for something to do. */
  kick(): void {
    if (this.#closed) return;
    this.#patience?.abort();
    this.#loop ??= this.#work()
      .catch((error: unknown) => this.#options.log.error('snapshots are not taken any more', { error }))
      .finally(() => {
        this.#loop = undefined;
        this.#rest();
        // It may have come between the last look and here.
        if (this.#next() !== undefined) this.kick();
      });
  }

  /** Ends the one that is being taken, which stays owed, and begins none until `release`. */
  async hold(): Promise<void> {
    this.#held += 1;
    this.#current?.abort.abort();
    await this.#attempt;
  }

  release(): void {
    this.#held -= 1;
    this.kick();
  }

  /** Resolves when nothing is being taken, nor could be at once. */
  async settled(): Promise<void> {
    if (this.#loop !== undefined && this.#patience === undefined)
      await new Promise<void>((resolve) => this.#rested.push(resolve));
  }

  /** Begins none any more; what is owed stays in the record. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#patience?.abort();
    await this.hold();
    for (const done of this.#outcomes.values()) done();
    this.#rest();
  }

  /** Copies what was cloned beside the workspace, which is about to change: it is saved from there when the storage is back. */
  async secureStart(): Promise<void> {
    const owed = this.#options.record.state?.saves.find((save) => save.trigger === 'start' && !save.copied);
    if (owed === undefined) return;
    const copy = copyFolders(this.#options.folders);
    try {
      await removeFolder(copy.root);
      await mkdir(copy.conversation, { recursive: true, mode: 0o700 });
      await copyTree(this.#options.folders.workspace, copy.workspace);
      await this.#amend(owed, { copied: true });
    } catch (error) {
      const detail = `The storage was away when the repository had been cloned, and it could not be set aside: ${messageOf(error)}`;
      await this.#finish(owed, { ...this.#blank(owed, this.#state()), state: 'failed', detail });
      await removeFolder(copy.root);
    }
  }

  async #owe(saves: OwedSave[]): Promise<void> {
    await this.#options.record.change({ saves });
    this.kick();
  }

  #next(): OwedSave | undefined {
    if (this.#closed || this.#held > 0) return undefined;
    const { launching, running } = this.#options.activity();
    const inUse = launching || running;
    // One of how the container left its files waits for that, unless the next trigger is there first.
    return this.#options.record.state?.saves.find(
      (owed) => !inUse || owed.ordered || owed.trigger === 'start' || owed.trigger === 'periodic',
    );
  }

  async #work(): Promise<void> {
    while (this.#next() !== undefined) {
      const how = await this.#options.semaphore.run(async () => {
        this.#attempt = this.#try().catch((error: unknown) => {
          // The record could not be written.
          this.#options.log.error('snapshot not taken', { error });
          return 'unavailable';
        });
        return await this.#attempt.finally(() => (this.#attempt = undefined));
      });
      if (how === 'stored' || how === 'failed') this.#failures = 0;
      if (how === 'unavailable') await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    const range = this.#options.backoff ?? BACKOFF;
    // Half of it for sure: the storage is not asked at once.
    const ms = backoffMs(this.#failures++, range, 0.5 + Math.random() / 2);
    this.#patience = new AbortController();
    this.#rest();
    await pause(ms, undefined, { signal: this.#patience.signal, ref: false }).catch(() => undefined);
    this.#patience = undefined;
  }

  #rest(): void {
    for (const resolve of this.#rested.splice(0)) resolve();
  }

  async #try(): Promise<Attempt> {
    const { record, folders, snapshots, log } = this.#options;
    const owed = this.#next();
    const state = record.state;
    if (owed === undefined || state === undefined) return 'nothing';
    const abort = new AbortController();
    this.#current = { snapshot_id: owed.snapshot_id, abort };
    try {
      const before = { ...this.#options.activity() };
      const undisturbed = this.#options.certain() && !owed.copied && !before.running && before.writing === 0;
      const begun = Date.now();
      const from = owed.copied ? copyFolders(folders) : ownFolders(folders);
      const saved = await snapshots
        .save({
          owner: state.owner,
          snapshot_id: owed.snapshot_id,
          workspace: from.workspace,
          conversation: from.conversation,
          base: owed.copied ? null : state.base,
          cache: from.cache,
          quota_bytes: state.quota_bytes,
          final: undisturbed,
          signal: abort.signal,
        })
        .catch((error: unknown) => {
          if (!abort.signal.aborted) log.error('snapshot failed', { snapshot: owed.snapshot_id, error });
          return { ok: false as const, why: 'failed' as const, detail: messageOf(error) };
        });
      const report = this.#blank(owed, state);
      if (saved.ok) {
        const { files, bytes, new_bytes, owner_bytes, skipped } = saved;
        const final = undisturbed && this.#options.activity().changes === before.changes;
        const facts = { files, bytes, new_bytes, owner_bytes, skipped: skipped.slice(0, SKIPPED) };
        const trees = { workspace: owed.snapshot_id, conversation: owed.snapshot_id };
        await this.#finish(
          owed,
          { ...report, ...facts, state: 'stored', final },
          {
            ...(!owed.copied && { base: owed.snapshot_id }),
            ...(final && { dirty: false, trees }),
          },
        );
        if (owed.copied) await removeFolder(copyFolders(folders).root);
        else await markUnchanged(stampFile(folders), begun);
        return 'stored';
      }
      if (abort.signal.aborted) return 'interrupted';
      const detail = saved.detail.slice(0, DETAIL_CHARACTERS);
      if (saved.why !== 'storage_unavailable') {
        log.warn('snapshot given up', { snapshot: owed.snapshot_id, why: saved.why, detail });
        await this.#finish(owed, { ...report, state: 'failed', detail });
        return 'failed';
      }
      await this.#pending(owed, { ...report, state: 'pending', detail });
      return 'unavailable';
    } finally {
      this.#current = undefined;
    }
  }

  async #pending(owed: OwedSave, report: SnapshotReport): Promise<void> {
    const { news, log } = this.#options;
    if (this.#failures === 0) log.warn('snapshot pending', { snapshot: owed.snapshot_id, detail: report.detail });
    if (!owed.told && news(report)) await this.#amend(owed, { told: true });
    if (owed.trigger !== 'start' || owed.copied) return;
    await this.secureStart();
    this.#settle(owed.snapshot_id);
  }

  /** It is over: the record says so before the edge is told. */
  async #finish(owed: OwedSave, report: SnapshotReport, patch: Partial<FilesState> = {}): Promise<void> {
    if (this.#closed) return;
    const { saves, reports } = this.#state();
    await this.#options.record.change({
      ...patch,
      saves: saves.filter(({ snapshot_id }) => snapshot_id !== owed.snapshot_id),
      reports: [...reports, report],
    });
    this.#options.report(report);
    this.#settle(owed.snapshot_id);
  }

  async #amend({ snapshot_id }: OwedSave, patch: Partial<OwedSave>): Promise<void> {
    const saves = this.#state().saves.map((save) => (save.snapshot_id === snapshot_id ? { ...save, ...patch } : save));
    await this.#options.record.change({ saves });
  }

  #settle(snapshotId: string): void {
    this.#outcomes.get(snapshotId)?.();
    this.#outcomes.delete(snapshotId);
  }

  #blank(owed: OwedSave, state: FilesState): SnapshotReport {
    return blankReport(owed, state.version, this.#options.storage());
  }

  #state(): FilesState {
    const { state } = this.#options.record;
    if (state === undefined) throw new Error('there are no files of this session here');
    return state;
  }
}

/** The start of a workspace is another thing than how it is later. */
const mergeable = (owed: OwedSave) => !owed.ordered && owed.trigger !== 'start';

function newSave(trigger: SnapshotTrigger, snapshot_id: string, ordered: boolean): OwedSave {
  return { snapshot_id, trigger, created_at: new Date().toISOString(), ordered, copied: false, told: false };
}

/** Its time: when the snapshot before began. */
export const stampFile = (folders: SessionFolders) => path.join(folders.root, 'saved.stamp');
export const cacheFolder = (folders: SessionFolders) => path.join(folders.root, 'cache');

const ownFolders = (folders: SessionFolders) => ({
  workspace: folders.workspace,
  conversation: folders.claude,
  cache: cacheFolder(folders),
});

function copyFolders(folders: SessionFolders) {
  const root = path.join(folders.root, 'start');
  const within = (name: string) => path.join(root, name);
  return { root, workspace: within('workspace'), conversation: within('conversation'), cache: within('cache') };
}

/** `cp`, because it follows no link, keeps all that a snapshot keeps, and copies nothing where the file system can share. */
async function copyTree(from: string, to: string): Promise<void> {
  const child = spawn('cp', ['-a', '--reflink=auto', '--', from, to], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(said.trim().slice(-1024) || `cp ended with code ${code}`);
}
