import type { BackendName } from '../../../protocol/link/runner-control.ts';

/** What a backend promises of what the contract tries. What it does not promise, it has to say. */
export interface Promises {
  /** Only the session's sockets lead out of a container, and the egress proxy decides who gets where. */
  sealed: boolean;
  /** The memory that a session may have is a limit. */
  memory: boolean;
  /** So is the number of its processes, by its engine. */
  processes: boolean;
  /** It can be killed without the time that it has to end. */
  endsAtOnce: boolean;
  /** The end of a container's log is known to the runner. */
  log: boolean;
  /** A container runs on without its runner, and the next one takes it up. */
  outlivesRunner: boolean;
}

export const PROMISES: Readonly<Record<BackendName, Promises>> = {
  docker: { sealed: true, memory: true, processes: true, endsAtOnce: true, log: true, outlivesRunner: true },
  process: { sealed: false, memory: false, processes: false, endsAtOnce: true, log: true, outlivesRunner: false },
  // Fargate has no limit of processes: the wrapper sets its own, which holds where the kernel is the task's own, and is tried in
  // test/real/wrapper/own-limits. It gives each task its time to end, and logs go to CloudWatch, which the runner does not read.
  ecs: { sealed: true, memory: true, processes: false, endsAtOnce: false, log: false, outlivesRunner: true },
};
