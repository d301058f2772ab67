import type { SnapshotReport } from '../../protocol/link/runner-control.ts';
import type { BackoffRange } from '../lib/backoff.ts';
import type { Log } from '../lib/log.ts';
import type { Semaphore } from '../lib/semaphore.ts';
import type { Owner } from '../lib/session-folders.ts';
import type { Snapshots } from '../snapshot/snapshots.ts';

/** What the files of all of a runner's sessions share. */
export interface FilesDependencies {
  snapshots: Pick<Snapshots, 'save' | 'restore'>;
  /** Limits how many snapshots are taken at once. */
  semaphore: Semaphore;
  /**
   * What a running container has written so far is in the session's folders. Absent: containers work in the folders
   * themselves, and clients can write there meanwhile.
   *
   * @throws when it cannot be had
   */
  sync?: (sessionId: string) => Promise<void>;
  /** The storage's id; empty while it is not known. */
  storage: () => string;
  /** Sends a report until it is acknowledged. */
  report: (sessionId: string, report: SnapshotReport) => void;
  /** Sends a report that is of use only now; false: there is no connection. */
  sendUpdate: (sessionId: string, report: SnapshotReport) => boolean;
  /** The user who is to own the trees. */
  owner: Owner | undefined;
  /** False: a container that an earlier runner process started may still run, because the engine does not answer. */
  containersKnown: () => boolean;
  /** Between two snapshots of a working session, milliseconds; 0: no such snapshots. */
  everyMs: number;
  log: Log;
  /** From a write to a parked session's files until they are saved, milliseconds. */
  writtenMs?: number;
  backoff?: BackoffRange;
}
