import { evictDurableObject } from 'cloudflare:test';
import { inject } from 'vitest';

/** How long workerd waits by itself for what holds an object in memory, milliseconds. */
const WORKERD_WAITS_MS = 10_000;

/**
 * Has an object begin anew from what it has stored. A call that is not answered yet holds it in memory, on a busy machine for longer
 * than workerd waits. Without a clock: a test may hold that.
 */
export async function evict(...what: Parameters<typeof evictDurableObject>): Promise<void> {
  for (let left = Math.ceil(inject('waitMs') / WORKERD_WAITS_MS); ; left -= 1) {
    try {
      return await evictDurableObject(...what);
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}
