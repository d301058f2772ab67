import { inject, vi } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** How long a condition may take to come true, milliseconds: see `patience.ts`. */
    waitMs: number;
  }
}

/** What has taken this many looks is looked at after a tenth of the time that it has taken, at least once in `MOST_TURNS`. */
const QUICK_TURNS = 10;
const MOST_TURNS = 20;

/**
 * What `look` gives once it throws no more. It looks again and again, and when the time is up, fails as `look` did last. What
 * takes long is looked at less often, for a look often is a call that costs the machine more than what it waits for.
 *
 * @param everyMs how often it looks at first; later up to 20 times as seldom
 */
export async function until<T>(look: () => T | Promise<T>, everyMs = 50): Promise<T> {
  // Turns, not a clock: a test may hold that.
  let turn = 0;
  let next = 1;
  let failure: unknown;
  const sparingly = async (): Promise<T> => {
    turn += 1;
    if (turn < next) throw failure;
    try {
      return await look();
    } catch (error) {
      failure = error;
      next = turn + Math.min(MOST_TURNS, Math.ceil(turn / QUICK_TURNS));
      throw error;
    }
  };
  // oxlint-disable-next-line no-restricted-properties -- with a limit that fits the machine
  return await vi.waitFor(sparingly, { timeout: inject('waitMs'), interval: everyMs });
}
