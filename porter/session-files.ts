import { chmod, chown, mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import { treeKind } from '../protocol/link/runner-control.ts';
import { backoffMs } from '../runner/lib/backoff.ts';
import type { Log } from '../runner/lib/log.ts';
import { Semaphore } from '../runner/lib/semaphore.ts';
import { latestSnapshot } from '../runner/snapshot/latest.ts';
import { restoreTree } from '../runner/snapshot/restore/restore-tree.ts';
import { saveSnapshot } from '../runner/snapshot/save/save-snapshot.ts';
import { StorageUnavailable } from '../runner/storage/object-store.ts';
import type { RunnerStore } from './runner-store.ts';

const BACKOFF = { minMs: 200, maxMs: 2_000 };
/** In a tree, on its own file system, until it is whole. The session has not begun yet. */
const INCOMING = '.cc-docker-incoming';

export interface SessionFilesOptions {
  /** Where the session has its two trees. */
  trees: { workspace: string; conversation: string };
  /** A folder that the session cannot see. */
  cache: string;
  /** The session's user. */
  user: { uid: number; gid: number };
  /** The one part of the runner's store. */
  owner: string;
  store: RunnerStore;
  log: Log;
}

/** A session's files in its task: fetched before it begins, and saved when it has ended or the runner asks. */
export class SessionFiles {
  readonly #options: SessionFilesOptions;
  readonly #saving = new Semaphore(1);

  constructor(options: SessionFilesOptions) {
    this.#options = options;
  }

  /** Puts the files in place. Tries again for as long as the runner is away. @throws when they are damaged */
  async fetch(): Promise<void> {
    await this.#persist(async () => {
      const { trees, cache, user, owner, store } = this.#options;
      await store.open();
      const snapshot_id = await latestSnapshot(store, owner);
      if (snapshot_id === undefined) throw new Error('the runner has no files of this session');
      await mkdir(cache, { recursive: true, mode: 0o700 });
      for (const tree of treeKind.options) {
        const into = path.join(trees[tree], INCOMING);
        const restored = await restoreTree(store, { owner, snapshot_id, tree, into, cache, as: user }, () => {});
        if (!restored.ok) {
          if (restored.why === 'storage_unavailable') throw new StorageUnavailable(restored.detail);
          throw new Error(restored.detail);
        }
        // A volume is a mount: it cannot be swapped for another folder.
        for (const name of await readdir(into)) await rename(path.join(into, name), path.join(trees[tree], name));
        await rmdir(into);
        await chown(trees[tree], user.uid, user.gid);
        await chmod(trees[tree], 0o700);
      }
    });
  }

  /** The runner has all files as they are now. @throws when they cannot be saved */
  async save(isFinal: boolean): Promise<void> {
    await this.#saving.run(() => this.#save(isFinal));
  }

  async #save(isFinal: boolean): Promise<void> {
    await this.#persist(async () => {
      const { trees, cache, owner, store } = this.#options;
      const input = { ...trees, owner, cache, snapshot_id: uuidV7(), base: null, quota_bytes: null, final: isFinal };
      const saved = await saveSnapshot(store, input, () => {});
      if (saved.ok) return;
      if (saved.why === 'storage_unavailable') throw new StorageUnavailable(saved.detail);
      throw new Error(saved.detail);
    });
  }

  /** Tries again while the runner is away. */
  async #persist(work: () => Promise<void>): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof StorageUnavailable)) throw error;
        if (attempt === 0) this.#options.log.warn('the runner is away', { problem: error.message });
      }
      await pause(backoffMs(attempt, BACKOFF, Math.random()));
    }
  }
}
