import { readFilesState, writeFilesState, type FilesState } from './state.ts';
import type { SessionFolders } from '../lib/session-folders.ts';

/** A session's `files.json`, with its content in memory. */
export class FilesRecord {
  readonly #folders: SessionFolders;
  #state: FilesState | undefined;
  #written: Promise<void> = Promise.resolve();
  /** A write that has not begun yet: it will write what is set now. */
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

  /** Sets it in memory only. The next write puts it on the disk; a crash before that may undo it. */
  setInMemory(state: FilesState): void {
    this.#state = state;
  }

  /** Sets it in memory at once. Resolves when it is on the disk. */
  set(state: FilesState): Promise<void> {
    this.#state = state;
    this.#next ??= this.#written = this.#written
      // A failed write rejects for those who waited for it.
      .catch(() => undefined)
      .then(async () => {
        this.#next = undefined;
        if (!this.#discarded && this.#state !== undefined) await writeFilesState(this.#folders, this.#state);
      });
    return this.#next;
  }

  /** Changes the record; without one it does nothing. */
  async change(patch: Partial<FilesState>): Promise<void> {
    if (this.#state !== undefined) await this.set({ ...this.#state, ...patch });
  }

  /** Writes nothing any more. Resolves when no write is under way. */
  async discard(): Promise<void> {
    this.#discarded = true;
    await this.#written.catch(() => undefined);
  }
}
