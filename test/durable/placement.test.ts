import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { place, type RunnerLoad } from '../../durable/core/placement.ts';

const runner = (name: string, change: Partial<RunnerLoad> = {}): RunnerLoad => ({
  name,
  connected: true,
  draining: false,
  capacity: 4,
  running: 0,
  trouble: null,
  ...change,
});

const anyRunner = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  connected: fc.boolean(),
  draining: fc.boolean(),
  capacity: fc.integer({ min: 0, max: 4 }),
  running: fc.integer({ min: 0, max: 5 }),
  trouble: fc.constantFrom(null, 'down'),
});
const anyPool = fc.uniqueArray(anyRunner, { selector: ({ name }) => name });

describe('placement', () => {
  it('never gives a place that there is not, nor another runner than the one with the files', () => {
    fc.assert(
      fc.property(anyPool, fc.constantFrom(null, 'a', 'z'), (runners, home) => {
        const found = place(runners, home);
        if (!found.placed) return;
        const chosen = runners.find(({ name }) => name === found.runner);
        expect(chosen).toMatchObject({ connected: true, draining: false });
        expect(chosen?.running).toBeLessThan(chosen?.capacity ?? 0);
        if (home !== null) expect(found.runner).toBe(home);
      }),
    );
  });

  it('finds a place whenever there is one', () => {
    fc.assert(
      fc.property(anyPool, (runners) => {
        const free = runners.some((one) => one.connected && !one.draining && one.running < one.capacity);
        expect(place(runners, null).placed).toBe(free);
      }),
    );
  });

  it('prefers the runner with the most room', () => {
    const runners = [runner('a', { running: 3 }), runner('b', { running: 1 }), runner('c', { running: 2 })];
    expect(place(runners, null)).toEqual({ placed: true, runner: 'b' });
  });

  it('prefers a fuller runner to one whose engine is down', () => {
    const runners = [runner('a', { trouble: 'The engine is down.' }), runner('b', { running: 3 })];
    expect(place(runners, null)).toEqual({ placed: true, runner: 'b' });
  });

  it('says whether runners are missing, or full', () => {
    expect(place([], null)).toMatchObject({ reason: { code: 'no_runner' } });
    expect(place([runner('a', { running: 4 })], null)).toMatchObject({ reason: { code: 'pool_full' } });
    expect(place([runner('a')], 'gone')).toMatchObject({
      reason: { code: 'no_runner', detail: expect.stringContaining('gone') },
    });
  });
});
