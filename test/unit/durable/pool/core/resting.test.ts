import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REST, restsUntil, withLoss } from '../../../../../durable/pool/core/resting.ts';

const lost = (times: number, everyMs: number) =>
  Array.from({ length: times }, (_, at) => at * everyMs).reduce<number[]>((known, at) => withLoss(known, at), []);

describe('a runner that is lost', () => {
  it('now and then rests never: a restart, an upgrade', () => {
    expect(restsUntil(lost(REST.free, 1000), 2000)).toBeNull();
    const hourly = lost(50, 3_600_000);
    expect(restsUntil(hourly, hourly.at(-1) ?? 0)).toBeNull();
  });

  it('again and again rests, each time twice as long, up to a quarter of an hour', () => {
    const rest = (times: number) => (restsUntil(lost(times, 1), times) ?? 0) - (times - 1);
    expect([4, 5, 6, 7].map(rest)).toEqual([15_000, 30_000, 60_000, 120_000]);
    expect(rest(16)).toBe(REST.longestMs);
    expect(lost(1000, 1).length).toBeLessThanOrEqual(16);
  });

  it('is forgiven: the rest ends, and the losses are forgotten', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3_600_000 }), { maxLength: 40 }), (gaps) => {
        let [now, losses] = [0, [] as number[]];
        for (const gap of gaps) losses = withLoss(losses, (now += gap));
        const until = restsUntil(losses, now);
        if (until !== null) expect(until - now).toBeLessThanOrEqual(REST.longestMs);
        if (until !== null) expect(restsUntil(losses, until)).toBeNull();
        expect(withLoss(losses, now + REST.windowMs)).toEqual([now + REST.windowMs]);
      }),
    );
  });
});
