const FIRST_MS = 20;
const LONGEST_MS = 2000;

/**
 * Milliseconds to wait before the next try, after `failures` failed tries in a row: it doubles from 20 ms to 2 s. `random`
 * (0 to 1) takes away up to half, so that many wrappers do not come back at the same instant.
 */
export function backoff(failures: number, random: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** failures) * (1 - random / 2);
}
