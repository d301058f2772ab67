import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';

/** Carries a session's files between the runner's folders and its task. */
export interface TaskFiles {
  /** What is in the folders is ready for the task. @throws when it cannot be made so */
  load(folders: SessionFolders): Promise<void>;
  /** What the task has written so far is in the folders. @throws when it cannot be had */
  fetch(key: PlacementKey, folders: SessionFolders, signal: AbortSignal): Promise<void>;
  /**
   * The task has ended: what it saved last is in the folders.
   *
   * @returns false: it did not come to save what its session left, or that cannot be unpacked
   */
  unload(folders: SessionFolders): Promise<boolean>;
}

/** Where the tasks of sessions come to the runner: its one address, over TLS. */
export interface TaskDoor {
  /** `host:port` that a task dials. */
  readonly address: string;
  /** The certificate authority that a task trusts, and no other: PEM. */
  readonly ca: string;
  /**
   * From now on the task of this session may come, once, with the token. The same key has the same token, also after the
   * runner's restart.
   */
  expect(key: PlacementKey, folders: SessionFolders): Promise<{ token: string }>;
  /** Only from this address may it come. @returns false: it came from another one, so its token was stolen */
  bind(key: PlacementKey, address: string): boolean;
  /** The session's task is connected. */
  isHere(key: PlacementKey): boolean;
  /** Resolves when the session's task has come, and its sockets lead here. @throws when the signal ends it */
  arrived(key: PlacementKey, signal: AbortSignal): Promise<unknown>;
  /** Its connections end, and its token is void. */
  forget(key: PlacementKey): Promise<void>;
  /** Tasks that have come will come again, to the next process of the runner. */
  close(): Promise<void>;
}
