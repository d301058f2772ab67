/** How often a wait is taken up again before the caller is told to come back. */
const TRIES = 5;

/**
 * Waits on an object through its restarts: a Durable Object that is moved or restarted breaks the calls that wait
 * in it, while what they wait for is stored and goes on.
 */
export async function untilAnswered<T>(wait: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await wait();
    } catch (error) {
      if (tries >= TRIES || !isTransient(error)) throw error;
    }
  }
}

/** Whether a fault is the platform's, and passes: Cloudflare marks such errors. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('retryable' in error && error.retryable === true) || ('overloaded' in error && error.overloaded === true);
}
