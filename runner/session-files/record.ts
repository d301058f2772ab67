import { readFilesState, writeFilesState, type FilesState } from './state.ts';
import type { SessionFolders } from '../lib/session-folders.ts';

/** A session's `files.json`, and what it says, in memory. */
export class FilesRecord {
  readonly #folders: SessionFolders;
  #state: FilesState | undefined;
  #written: Promise<void> = Promise.resolve();
  /** A write that has not begun yet, and so will hold what is set now. */
  #next: Promise<void> | undefined;
  #discarded = false;

  private constructor(folders: SessionFolders, state: FilesState | undefined) {
    this.#folders = folders;
    this.#state = state;
  }

  static async read(folders: SessionFolders): Promise<FilesRecord> {
    return new FilesRecord(folders, await readFilesState(folders));
  }

  get state(): FilesState | undefined {
    return this.#state;
  }

  /** Sets it in memory; the next write puts it on the disk. For what a crash may undo. */
  keep(state: FilesState): void {
    this.#state = state;
  }

  /** Resolves when it is on the disk; in memory it is so at once. */
  set(state: FilesState): Promise<void> {
    this.#state = state;
    this.#next ??= this.#written = this.#written
      // A write that failed was told to whoever waited for it.
      .catch(() => undefined)
      .then(async () => {
        this.#next = undefined;
        if (!this.#discarded && this.#state !== undefined) await writeFilesState(this.#folders, this.#state);
      });
    return this.#next;
  }

  /** Changes what is there; without a state there is nothing to change. */
  async change(patch: Partial<FilesState>): Promise<void> {
    if (this.#state !== undefined) await this.set({ ...this.#state, ...patch });
  }

  /** Nothing is written any more. Resolves when nothing is being written. */
  async discard(): Promise<void> {
    this.#discarded = true;
    await this.#written.catch(() => undefined);
  }
}
