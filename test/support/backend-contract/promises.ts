import type { BackendName } from '../../../protocol/link/runner-control.ts';

/** What a backend promises of what the contract tries. What it does not promise, it has to say. */
export interface Promises {
  /** Only the session's sockets lead out of a container, and the egress proxy decides who gets where. */
  sealed: boolean;
  /** The memory and the number of processes that a session may have are limits. */
  limits: boolean;
  /** A container runs on without its runner, and the next one takes it up. */
  outlivesRunner: boolean;
}

export const PROMISES: Readonly<Record<BackendName, Promises>> = {
  docker: { sealed: true, limits: true, outlivesRunner: true },
  process: { sealed: false, limits: false, outlivesRunner: false },
};
