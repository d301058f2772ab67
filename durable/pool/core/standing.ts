import type { Reason } from '../../../protocol/reason.ts';

/** Bounds that are told: exact for the next three, then coarse, so that a session that moves up is told a few times and not at each step. */
const STEPS = [1, 2, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000] as const;

/**
 * Fewer than so many come before a session, as it is told. What it was told stays while that is true and not much too high: at a border it
 * is not told back and forth.
 *
 * @param told what it was told before; null: nothing
 */
export function boundOf(before: number, told: number | null): number {
  const bound = STEPS.find((step) => before < step) ?? before + 1;
  if (told === null || before >= told || told <= 3) return bound;
  const lower = STEPS.findLast((step) => step < told) ?? 0;
  return before > lower * 0.8 ? told : bound;
}

/** The reason with the session's place in the queue. */
export function withStanding({ code, detail }: Reason, bound: number): Reason {
  const place =
    bound === 1
      ? 'It is the next.'
      : bound === 2
        ? 'One session comes before it.'
        : bound === 3
          ? 'Two sessions come before it.'
          : `Fewer than ${bound} sessions come before it.`;
  return { code, detail: `${detail} ${place}` };
}
