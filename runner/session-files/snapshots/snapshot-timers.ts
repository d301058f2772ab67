import type { SnapshotTrigger } from '../../../protocol/api/files/workspace.ts';
import { changedSince } from '../../lib/changed-since.ts';
import type { Log } from '../../lib/log.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';
import { stampFile } from './snapshot-folders.ts';

/** From a write of a client until the files are saved, milliseconds: other writes may follow at once. */
const WRITTEN_MS = 2_000;

export interface SnapshotTimersOptions {
  folders: SessionFolders;
  /** Between two periodic snapshots, milliseconds; 0: none. */
  everyMs: number;
  writtenMs?: number | undefined;
  /** Brings the folders up to date. */
  sync: () => Promise<void>;
  onDue: (trigger: SnapshotTrigger) => void;
  log: Log;
}

/** Says when a snapshot is due: from time to time while a container runs and changes files, and after a client's write. */
export class SnapshotTimers {
  readonly #options: SnapshotTimersOptions;
  #periodic: NodeJS.Timeout | undefined;
  #written: NodeJS.Timeout | undefined;

  constructor(options: SnapshotTimersOptions) {
    this.#options = options;
  }

  startPeriodic(): void {
    const { everyMs } = this.#options;
    this.stopPeriodic();
    if (everyMs > 0) this.#periodic = setInterval(() => void this.#checkPeriodic(), everyMs).unref();
  }

  stopPeriodic(): void {
    clearInterval(this.#periodic);
  }

  startWritten(): void {
    const { writtenMs = WRITTEN_MS, onDue } = this.#options;
    this.stopWritten();
    this.#written = setTimeout(() => onDue('written'), writtenMs).unref();
  }

  stopWritten(): void {
    clearTimeout(this.#written);
  }

  close(): void {
    this.stopPeriodic();
    this.stopWritten();
  }

  async #checkPeriodic(): Promise<void> {
    const { folders, sync, onDue, log } = this.#options;
    try {
      await sync();
      if (await changedSince(stampFile(folders), [folders.workspace, folders.claude])) onDue('periodic');
    } catch (error) {
      log.error('no periodic snapshot', { error });
    }
  }
}
