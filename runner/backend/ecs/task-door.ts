import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';

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
  /** Resolves when the session's task has come, and its sockets lead here. @throws when the signal ends it */
  arrived(key: PlacementKey, signal: AbortSignal): Promise<unknown>;
  /** Its connections end, and its token is void. */
  forget(key: PlacementKey): Promise<void>;
}
