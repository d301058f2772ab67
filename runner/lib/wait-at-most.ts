import { setTimeout as pause } from 'node:timers/promises';

/** Waits for `task`, but at most `ms` milliseconds. @returns its value, or `late` when the time has passed @throws what it throws */
export async function waitAtMost<T>(task: Promise<T>, ms: number): Promise<T | 'late'> {
  const timer = new AbortController();
  const late = pause(ms, 'late' as const, { signal: timer.signal });
  // The abort below rejects it, when nobody waits for it any more.
  late.catch(() => undefined);
  try {
    return await Promise.race([task, late]);
  } finally {
    timer.abort();
  }
}
