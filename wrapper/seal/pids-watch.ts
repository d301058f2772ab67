import { readFileSync } from 'node:fs';

/** The container's processes and threads, as its cgroup counts them. */
export interface PidsReading {
  current: number;
  limit: number;
  /** Starts that were refused, ever. */
  refused: number;
}

/** Milliseconds at the limit, without a break, after which a container is beyond help. */
export const STUCK_MS = 15_000;

/**
 * Tells a container that has reached its limit for good (a fork bomb) from one that merely touched it, where a tool fails and the
 * agent goes on. Pure: readings are handed in.
 */
export class PidsWatch {
  #refused = 0;
  #fullSince: number | null = null;
  #lastRefusal: number | null = null;

  /** @returns the container can start nothing any more, and has not for `STUCK_MS` */
  sample(reading: PidsReading, now: number): boolean {
    const refusing = reading.refused > this.#refused;
    this.#refused = reading.refused;
    if (refusing) this.#lastRefusal = now;
    if (!refusing && reading.current < reading.limit) this.#fullSince = null;
    else this.#fullSince ??= now;
    return this.#fullSince !== null && now - this.#fullSince >= STUCK_MS;
  }

  /** Something was refused in the last `STUCK_MS`: what has just died may have died of it. */
  refusedLately(now: number): boolean {
    return this.#lastRefusal !== null && now - this.#lastRefusal <= STUCK_MS;
  }
}

/** With cgroup v2, and with v1. */
const FOLDERS = ['/sys/fs/cgroup', '/sys/fs/cgroup/pids'];

/** Null where there is no limit, or none that shows: on the process backend, and in sandboxes with a kernel of their own. */
export function readPids(): PidsReading | null {
  for (const folder of FOLDERS) {
    try {
      const limit = Number(readFileSync(`${folder}/pids.max`, 'utf8'));
      const current = Number(readFileSync(`${folder}/pids.current`, 'utf8'));
      const refused = Number(/^max (\d+)$/m.exec(readFileSync(`${folder}/pids.events`, 'utf8'))?.[1]);
      return Number.isInteger(limit) && Number.isInteger(refused) ? { current, limit, refused } : null;
    } catch {
      // Not there: the other version, or none.
    }
  }
  return null;
}
