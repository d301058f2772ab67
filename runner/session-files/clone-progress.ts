import { existsSync } from 'node:fs';
import path from 'node:path';
import { CLONE_DONE, CLONE_FOLDER } from '../../protocol/git/clone-folder.ts';
import { removeFolder } from '../lib/disk/remove-folder.ts';
import type { FilesRecord } from './record.ts';
import type { SnapshotQueue } from './snapshots/snapshot-queue.ts';
import type { FilesState } from './state.ts';

export interface CloneProgressOptions {
  workspace: string;
  record: FilesRecord;
  queue: SnapshotQueue;
  /** What a container has written elsewhere comes here. */
  sync: () => Promise<void>;
}

/** How far a session's container is with bringing a repository into the workspace, as the record of its files says. */
export class CloneProgress {
  readonly #options: CloneProgressOptions;

  constructor(options: CloneProgressOptions) {
    this.#options = options;
  }

  get #state(): FilesState['clone'] {
    return this.#options.record.state?.clone ?? 'none';
  }

  /** A repository that the session wants has not been brought into the workspace yet. */
  get isDue(): boolean {
    return this.#state === 'none' || this.#state === 'begun';
  }

  /** What the record is to say once a container has been started, which clones a repository or does not. */
  atLaunch(clones: boolean): FilesState['clone'] {
    if (clones) return 'begun';
    return this.#state === 'none' ? 'none' : 'done';
  }

  /** The container has cloned its repository, and waits. Resolves when it may continue: what was cloned is saved, if it can be. */
  async cloned(): Promise<void> {
    const { record, queue, sync } = this.#options;
    if (this.#state !== 'begun' && this.#state !== 'cloned') return;
    await record.change({ clone: 'cloned' });
    await sync();
    await queue.saveStart();
    await record.change({ clone: 'done' });
  }

  /** The container waits, and has cloned nothing: what the workspace has, it had before. */
  async notCloned(): Promise<void> {
    if (this.#state !== 'begun') return;
    await this.#options.record.change({ clone: 'done' });
    // A snapshot may wait for that.
    this.#options.queue.kick();
  }

  /**
   * An interrupted clone leaves half a repository in a folder of its own. One that was whole stays: its files are perhaps in
   * the workspace in part, and the next launch goes on with that.
   */
  async removePartial(): Promise<void> {
    if (this.#state !== 'begun') return;
    const folder = path.join(this.#options.workspace, CLONE_FOLDER);
    if (!existsSync(path.join(folder, CLONE_DONE))) await removeFolder(folder);
  }
}
