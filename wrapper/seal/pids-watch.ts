import { readFileSync } from 'node:fs';

/** The container's processes and threads, by its cgroup. */
export interface PidsReading {
  current: number;
  limit: number;
  /** Starts that the kernel has refused since the container began. */
  refused: number;
}

/** Milliseconds at the limit, without a break, after which the container is given up. */
export const STUCK_MS = 15_000;

/**
 * Tells a container that stays at its limit (a fork bomb) from one that reached it only for a moment, where a tool fails and
 * the agent goes on. Pure: the readings are parameters.
 */
export class PidsWatch {
  readonly #stuckMs: number;
  #refused = 0;
  #fullSince: number | null = null;
  #lastRefusal: number | null = null;

  /** @param stuckMs milliseconds at the limit that are no longer only a moment */
  constructor(stuckMs: number) {
    this.#stuckMs = stuckMs;
  }

  /** @returns whether the container could start nothing for so long */
  sample(reading: PidsReading, now: number): boolean {
    const refusing = reading.refused > this.#refused;
    this.#refused = reading.refused;
    if (refusing) this.#lastRefusal = now;
    if (!refusing && reading.current < reading.limit) this.#fullSince = null;
    else this.#fullSince ??= now;
    return this.#fullSince !== null && now - this.#fullSince >= this.#stuckMs;
  }

  /** A start was refused in the last `STUCK_MS`: a process that has just died may have died of it. */
  refusedLately(now: number): boolean {
    return this.#lastRefusal !== null && now - this.#lastRefusal <= STUCK_MS;
  }
}

/** Of cgroup v2, and of v1. */
const FOLDERS = ['/sys/fs/cgroup', '/sys/fs/cgroup/pids'];

/** Null: there is no limit, or it cannot be read, as on the process backend and in sandboxes with their own kernel. */
export function readPids(): PidsReading | null {
  for (const folder of FOLDERS) {
    try {
      const limit = Number(readFileSync(`${folder}/pids.max`, 'utf8'));
      const current = Number(readFileSync(`${folder}/pids.current`, 'utf8'));
      const refused = Number(/^max (\d+)$/m.exec(readFileSync(`${folder}/pids.events`, 'utf8'))?.[1]);
      return Number.isInteger(limit) && Number.isInteger(refused) ? { current, limit, refused } : null;
    } catch {
      // Not there: this is the other cgroup version, or none.
    }
  }
  return null;
}
