/** How long to wait between attempts, milliseconds: `minMs` at first, twice as long each time, at most `maxMs`. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/** How long to wait before attempt `attempt` (from 0). Between half and all of it, so that many clients do not come back as one. */
export function backoffMs(attempt: number, { minMs, maxMs }: Backoff, random: number): number {
  return (0.5 + random / 2) * Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
}

/** @throws the signal's reason when it aborts before */
export function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
