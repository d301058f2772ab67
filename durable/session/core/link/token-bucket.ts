/** How much may come: so much a second, and ten seconds' worth at once. 0: any. */
export type Rate = number;

/** Seconds' worth that may come at once. */
const BURST_SECONDS = 10;

/** A token bucket at one time. A new one is full. */
export interface Bucket {
  /** What may still come now. Negative: more has come than may, and it is to be waited for. */
  readonly tokens: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

export function fullBucket(rate: Rate, now: number): Bucket {
  return { tokens: rate * BURST_SECONDS, at: now };
}

/** The bucket after `amount` has come. All of it counts, also beyond what may come. */
export function take({ tokens, at }: Bucket, rate: Rate, amount: number, now: number): Bucket {
  // A clock that is set back fills nothing.
  const passed = Math.max(0, now - at) / 1000;
  return { tokens: Math.min(rate * BURST_SECONDS, tokens + passed * rate) - amount, at: now };
}

/** When what has come is no longer too much, epoch milliseconds. Not after `at`: it is not. */
export function evenAt({ tokens, at }: Bucket, rate: Rate): number {
  return rate === 0 || tokens >= 0 ? at : at + (-tokens / rate) * 1000;
}
