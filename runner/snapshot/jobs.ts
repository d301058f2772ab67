import type { StorageOrigin } from '../storage/storage-settings.ts';
import type { RestoredTree, RestoreInput } from './restore/restore-tree.ts';
import type { SavedArtifact, ShareInput } from './save/save-artifact.ts';
import type { SavedSnapshot, SaveInput } from './save/save-snapshot.ts';

/** The start data of a worker thread. */
export interface WorkerStart {
  origin: StorageOrigin;
}

/** Work for a thread; one at a time. */
export type Work =
  | { kind: 'save'; input: SaveInput }
  | { kind: 'restore'; input: RestoreInput }
  | { kind: 'share'; input: ShareInput };

/** `abort[0]` becomes 1 to abort the job. A message would wait until the thread has time to read it. */
export type Job = Work & { abort: Int32Array };

export type Outcome =
  | { kind: 'save'; result: SavedSnapshot }
  | { kind: 'restore'; result: RestoredTree }
  | { kind: 'share'; result: SavedArtifact };
