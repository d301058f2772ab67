import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { paceRefusal } from '../../../../functions/gate/pace.ts';

const START = Date.parse('2026-11-30T12:00:00Z');

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

/** Refuses a caller so often at once. @returns how long each waited, milliseconds */
async function refuse(key: string, times: number): Promise<number[]> {
  const waited: number[] = [];
  const begun = Date.now();
  const all = Promise.all(
    Array.from({ length: times }, async () => {
      await paceRefusal(key);
      waited.push(Date.now() - begun);
    }),
  );
  await vi.runAllTimersAsync();
  await all;
  return waited;
}

describe('a caller that is refused', () => {
  it('is told at once, and again at once some time later', async () => {
    expect(await refuse('a', 1)).toEqual([0]);
    vi.advanceTimersByTime(10);
    expect(await refuse('a', 1)).toEqual([0]);
  });

  it('that asks many times at once is told a hundred times a second', async () => {
    expect(await refuse('b', 4)).toEqual([0, 10, 20, 30]);
  });

  it('waits for three seconds at most, however many ask', async () => {
    const waited = await refuse('c', 1000);
    expect(Math.max(...waited)).toBeLessThanOrEqual(3000);
    // Those of which there are too many are not all told at the same time.
    const tenths = Map.groupBy(waited, (ms) => Math.floor(ms / 100));
    const atOnce = Math.max(...[...tenths.values()].map(({ length }) => length));
    expect(atOnce).toBeLessThan(100);
    expect(await refuse('c', 1)).toEqual([10]);
  });

  it('makes nobody else wait', async () => {
    await Promise.all([refuse('d', 50), refuse('e', 1).then((waited) => expect(waited).toEqual([0]))]);
  });

  it('waits no longer because the clock was set back', async () => {
    await refuse('f', 2);
    vi.setSystemTime(START - 3_600_000);
    expect(Math.max(...(await refuse('f', 1)))).toBeLessThanOrEqual(3000);
  });
});
