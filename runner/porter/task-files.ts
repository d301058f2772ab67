import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import { STORE_OWNER } from '../../protocol/link/porter.ts';
import type { PlacementKey } from '../../protocol/link/runner-control.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Log } from '../lib/log.ts';
import { removeFolder } from '../lib/disk/remove-folder.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { Owner, SessionFolders } from '../lib/session-folders.ts';
import { latestSnapshot } from '../snapshot/latest.ts';
import { Snapshots } from '../snapshot/snapshots.ts';
import { FolderStore } from '../storage/folder-store.ts';
import type { PorterDoor } from './porter-door.ts';
import { FINAL_FILE, SHUTTLE, shuttleStore } from './shuttle-folder.ts';

/** How often the files that a task has left are tried to be put in place, and how long after one another. */
const UNLOADS = 6;
const BACKOFF = { minMs: 500, maxMs: 10_000 };

export interface TaskFilesOptions {
  door: Pick<PorterDoor, 'saveFiles'>;
  /** The user who is to own the files on the runner. */
  owner: Owner | undefined;
  log: Log;
}

/**
 * Carries a session's files between the runner's copy and its task, as snapshots in a small storage of the session's own: so
 * the task needs no way to the runner's storage, and what comes from it is unpacked as carefully as any snapshot.
 */
export class TaskFiles {
  readonly #options: TaskFilesOptions;
  /** One after the other for each session. */
  readonly #turns = new Map<string, Semaphore>();

  constructor(options: TaskFilesOptions) {
    this.#options = options;
  }

  /** What is in the folders is ready for the task. @throws when it cannot be read, or the disk is full */
  async load(folders: SessionFolders): Promise<void> {
    await removeFolder(path.join(folders.root, SHUTTLE));
    await this.#with(folders, async (snapshots) => {
      const saved = await snapshots.save({
        owner: STORE_OWNER,
        snapshot_id: uuidV7(),
        base: null,
        quota_bytes: null,
        workspace: folders.workspace,
        conversation: folders.claude,
        cache: path.join(folders.root, SHUTTLE, 'cache'),
        signal: new AbortController().signal,
      });
      if (!saved.ok) throw new Error(saved.detail);
    });
  }

  /** What the task has written is in the folders. @throws when the task cannot be asked, or its files cannot be unpacked */
  async fetch(key: PlacementKey, folders: SessionFolders, signal: AbortSignal): Promise<void> {
    await this.#inTurn(folders, async () => {
      await this.#options.door.saveFiles(key, signal);
      await this.#unpack(folders);
    });
  }

  /**
   * The task has ended: what it saved last is in the folders.
   *
   * @returns false: it did not come to save what its session left, or that cannot be unpacked
   */
  async unload(folders: SessionFolders): Promise<boolean> {
    for (let attempt = 0; attempt < UNLOADS; attempt += 1) {
      try {
        return await this.#unload(folders);
      } catch (error) {
        this.#options.log.error('the files of a task are not in place', { folder: folders.root, error });
      }
      // The disk may be full for a moment.
      await pause(backoffMs(attempt, BACKOFF, 1), undefined, { ref: false });
    }
    return false;
  }

  async #unload(folders: SessionFolders): Promise<boolean> {
    return await this.#inTurn(folders, async () => {
      // It was unloaded before, or there never was a task.
      if (!existsSync(path.join(folders.root, SHUTTLE))) return true;
      const isFinal = existsSync(path.join(folders.root, FINAL_FILE));
      await this.#unpack(folders);
      await removeFolder(path.join(folders.root, SHUTTLE));
      return isFinal;
    });
  }

  async #unpack(folders: SessionFolders): Promise<void> {
    await this.#with(folders, async (snapshots, store) => {
      const snapshot_id = await latestSnapshot(store, STORE_OWNER);
      if (snapshot_id === undefined) throw new Error('there is no snapshot in the shuttle');
      for (const tree of ['workspace', 'conversation'] as const) {
        const restored = await snapshots.restore({
          owner: STORE_OWNER,
          snapshot_id,
          tree,
          as: this.#options.owner,
          into: tree === 'workspace' ? folders.workspace : folders.claude,
          cache: path.join(folders.root, SHUTTLE, 'cache'),
          signal: new AbortController().signal,
        });
        if (!restored.ok) throw new Error(`${tree}: ${restored.detail}`);
      }
    });
  }

  async #with(
    { root }: SessionFolders,
    work: (snapshots: Snapshots, store: FolderStore) => Promise<void>,
  ): Promise<void> {
    const store = new FolderStore(shuttleStore(root));
    await store.open();
    const snapshots = new Snapshots({ store, log: this.#options.log });
    try {
      await work(snapshots, store);
    } finally {
      await snapshots.close();
    }
  }

  async #inTurn<T>({ root }: SessionFolders, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(root) ?? new Semaphore(1);
    this.#turns.set(root, turns);
    try {
      return await turns.run(work);
    } finally {
      if (turns.isIdle) this.#turns.delete(root);
    }
  }
}
