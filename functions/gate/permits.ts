import { burstOf } from '../../protocol/settings/bounds-settings.ts';
import type { RateLimits } from './stores.ts';

/** Keys that are remembered here. Beyond that, those that were not used for the longest go. */
const MAX_KEYS = 10_000;

/** What an isolate holds of a shared bucket: it takes a tenth of a burst at a time, so that few requests have to ask. */
interface Held {
  permits: number;
  /** What was left in the shared bucket when it was last asked. */
  left: number;
  /** Until when the shared bucket is empty, epoch milliseconds. */
  emptyUntil: number;
}

export type Spent =
  | { readonly passed: true; readonly remaining: number }
  /** `retryMs`: until there is a permit again, milliseconds. */
  | { readonly passed: false; readonly retryMs: number };

const held = new Map<string, Held>();

/** Spends a permit of the bucket `key`. */
export async function spend(limits: RateLimits, key: string, perMinute: number): Promise<Spent> {
  const now = Date.now();
  const mine = heldOf(`${perMinute} ${key}`);
  if (mine.permits === 0) {
    if (now < mine.emptyUntil) return { passed: false, retryMs: mine.emptyUntil - now };
    const taken = await limits.take(key, perMinute, Math.max(1, Math.floor(burstOf(perMinute) / 10)));
    if (taken === 'unknown') return { passed: true, remaining: mine.left };
    mine.permits += taken.granted;
    mine.left = taken.remaining;
    if (mine.permits === 0) {
      mine.emptyUntil = now + taken.resetMs;
      return { passed: false, retryMs: taken.resetMs };
    }
  }
  mine.permits -= 1;
  return { passed: true, remaining: mine.permits + mine.left };
}

/** Whether the bucket was found empty, as far as this isolate knows: milliseconds until it is not; null: no. */
export function knownEmpty(key: string, perMinute: number): number | null {
  const mine = held.get(`${perMinute} ${key}`);
  if (mine === undefined || mine.permits > 0) return null;
  const ms = mine.emptyUntil - Date.now();
  return ms > 0 ? ms : null;
}

function heldOf(key: string): Held {
  const known = held.get(key) ?? { permits: 0, left: 0, emptyUntil: 0 };
  held.delete(key);
  held.set(key, known);
  const [oldest] = held.keys();
  if (held.size > MAX_KEYS && oldest !== undefined) held.delete(oldest);
  return known;
}
