import type { SessionHost } from './container/container-run.ts';
import { STOP_GRACE_MS } from './container/container-run.ts';

/** Which of a runner's containers work in the workspace of another session's: beside its container, and no longer than that. */
export class SharedWorkspaces {
  readonly #hosts: () => Iterable<SessionHost>;

  constructor(hosts: () => Iterable<SessionHost>) {
    this.#hosts = hosts;
  }

  /** Whether a container may begin to work in the workspace of that session. */
  has(sessionId: string): boolean {
    return [...this.#hosts()].some((host) => host.key.session_id === sessionId && host.canShare);
  }

  /** Ends those that work in the workspace of that session. Resolves when they are gone: nothing writes there any more. */
  async end(sessionId: string): Promise<void> {
    const sharers = [...this.#hosts()].filter((host) => host.workspaceOf === sessionId);
    for (const host of sharers) host.stop('parent_unavailable', STOP_GRACE_MS);
    await Promise.all(sharers.map((host) => host.released));
  }
}
