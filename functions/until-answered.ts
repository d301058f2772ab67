/** How often a wait is repeated before the caller is told to try again. */
const TRIES = 5;

/**
 * Waits for an object across its restarts. A Durable Object that is moved or restarted breaks the calls that wait in
 * it, but what they wait for is stored and goes on.
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

/** Whether an error is a passing fault of the platform. Cloudflare marks such errors. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('retryable' in error && error.retryable === true) || ('overloaded' in error && error.overloaded === true);
}
