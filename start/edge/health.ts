import { setTimeout as delay } from 'node:timers/promises';
import { health } from '../../protocol/health.ts';

const POLL_MS = 50;

/** The number of connected runners; `undefined` when the edge does not answer. */
async function connectedRunners(url: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const answer = await fetch(`${url}/health`, { signal });
    return health.safeParse(await answer.json()).data?.parts.pool.runners.length;
  } catch {
    // Refused, cut off or not JSON: the caller only waits and tries again.
    return undefined;
  }
}

/**
 * Waits until the number of connected runners is `enough`.
 *
 * @returns false: the signal aborted before that
 */
export async function waitForRunners(
  url: string,
  enough: (runners: number) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const runners = await connectedRunners(url, signal);
    if (runners !== undefined && enough(runners)) return true;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
