import { Recent } from '../recent.ts';

/** Refusals of one caller, milliseconds from one to the next. */
const APART_MS = 10;
/** No refusal waits for longer, milliseconds. */
const MOST_MS = 3_000;
/** Callers that are remembered. Beyond that, those that were refused first go. */
const MAX_KEYS = 10_000;

/** When each caller is to be refused next, epoch milliseconds. */
const next = new Recent<number>(MAX_KEYS);

/**
 * Waits until it is this caller's turn to be refused: 100 times a second. One that comes back at once, however often it is refused, would
 * else take the processor from those who keep to their limits. The first refusal in a while is at once.
 */
export async function paceRefusal(key: string): Promise<void> {
  const now = Date.now();
  const asked = Math.max(now, next.get(key) ?? now);
  // Those who would wait for longer are spread, so that they are not all refused at the same moment. A clock that was set back makes nobody
  // wait longer either.
  const due = asked <= now + MOST_MS ? asked : now + MOST_MS * (1 - Math.random() / 2);
  next.set(key, Math.min(asked, now + MOST_MS) + APART_MS);
  if (due > now) await new Promise((resolve) => setTimeout(resolve, due - now));
}
