import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundOf, withStanding } from '../../../../../durable/pool/core/standing.ts';

const say = (bound: number) => withStanding({ code: 'pool_full', detail: 'Full.' }, bound).detail;

describe('a place in the queue', () => {
  it('is told truly, and seldom: moving up from the thousandth, a session hears of it a dozen times', () => {
    let told: number | null = null;
    const heard = new Set<number>();
    for (let before = 1000; before >= 0; before--) {
      told = boundOf(before, told);
      expect(before).toBeLessThan(told);
      heard.add(told);
    }
    expect(heard.size).toBeLessThanOrEqual(12);
    expect(told).toBe(1);
  });

  it('is not told back and forth at a border', () => {
    let told = boundOf(10, null);
    const first = told;
    for (const before of [9, 10, 9, 10, 9]) told = boundOf(before, told);
    expect(told).toBe(first);
  });

  it('stays true when others come before', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500_000), { minLength: 1 }), (positions) => {
        let told: number | null = null;
        for (const before of positions) expect(before).toBeLessThan((told = boundOf(before, told)));
      }),
    );
  });

  it('is said in words', () => {
    expect([1, 2, 3, 10].map(say)).toEqual([
      'Full. It is the next.',
      'Full. One session comes before it.',
      'Full. Two sessions come before it.',
      'Full. Fewer than 10 sessions come before it.',
    ]);
  });
});
