import { setTimeout as delay } from 'node:timers/promises';
import { health } from '../../protocol/health.ts';

const POLL_MS = 50;

/** Runners that are connected to the edge; `undefined` when it does not answer. */
async function connectedRunners(url: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const answer = await fetch(`${url}/health`, { signal });
    return health.safeParse(await answer.json()).data?.parts.pool.runners.length;
  } catch {
    // Refused, cut off or not JSON: for who waits, all the same.
    return undefined;
  }
}

/**
 * Waits until the edge says so of the number of its runners.
 *
 * @returns whether it did before the signal aborted
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
