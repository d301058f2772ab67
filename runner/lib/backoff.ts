export interface BackoffRange {
  minMs: number;
  maxMs: number;
}

/**
 * How long to wait before attempt `attempt` (from 0), milliseconds: exponential with full jitter, so that a thousand
 * runners whose edge went away do not come back as one.
 */
export function backoffMs(attempt: number, range: BackoffRange, random: number): number {
  return random * Math.min(range.maxMs, range.minMs * 2 ** Math.min(attempt, 30));
}
