import { inject, vi } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** How long a condition may take to come true, milliseconds: see `patience.ts`. */
    waitMs: number;
  }
}

/**
 * What `look` gives once it throws no more. It looks again and again, and when the time is up, fails as `look` did last.
 *
 * @param everyMs how often it looks
 */
export async function until<T>(look: () => T | Promise<T>, everyMs = 50): Promise<T> {
  return await vi.waitFor(look, { timeout: inject('waitMs'), interval: everyMs });
}
