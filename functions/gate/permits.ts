import { burstOf } from '../../protocol/settings/bounds-settings.ts';
import { Recent } from '../recent.ts';
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

const held = new Recent<Held>(MAX_KEYS);

/** Spends permits of the bucket `key`: `cost`, or as many as it can hold. All of them, or none. At once, when this isolate holds enough. */
export function spend(limits: RateLimits, key: string, perMinute: number, cost = 1): Spent | Promise<Spent> {
  const wanted = Math.min(cost, burstOf(perMinute));
  const mine = heldOf(`${perMinute} ${key}`);
  return mine.permits < wanted ? takeAndSpend(limits, key, perMinute, wanted, mine) : spendHeld(mine, wanted);
}

function spendHeld(mine: Held, wanted: number): Spent {
  mine.permits -= wanted;
  return { passed: true, remaining: mine.permits + mine.left };
}

async function takeAndSpend(
  limits: RateLimits,
  key: string,
  perMinute: number,
  wanted: number,
  mine: Held,
): Promise<Spent> {
  const now = Date.now();
  if (now < mine.emptyUntil) return { passed: false, retryMs: mine.emptyUntil - now };
  const more = Math.max(wanted - mine.permits, Math.floor(burstOf(perMinute) / 10));
  const taken = await limits.take(key, perMinute, more);
  if (taken === 'unknown') return { passed: true, remaining: mine.left };
  mine.permits += taken.granted;
  mine.left = taken.remaining;
  if (mine.permits >= wanted) return spendHeld(mine, wanted);
  const retryMs = taken.resetMs + ((wanted - mine.permits - 1) * 60_000) / perMinute;
  mine.emptyUntil = now + retryMs;
  return { passed: false, retryMs };
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
  held.set(key, known);
  return known;
}
