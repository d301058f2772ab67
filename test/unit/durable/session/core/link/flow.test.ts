import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Flow, type Load } from '../../../../../../durable/session/core/link/flow.ts';
import { LINK_FLOOD_BYTES, LINK_FLOOD_EVENTS, LINK_WINDOW_EVENTS } from '../../../../../../protocol/settings/limits.ts';

const rates = (EVENTS_PER_SECOND: number, EVENT_KB_PER_SECOND: number) => ({ EVENTS_PER_SECOND, EVENT_KB_PER_SECOND });
const events = (count: number): Load => ({ events: count, bytes: 0 });

test('ten seconds’ worth is acknowledged at once, and what comes after that at the rate', () => {
  const flow = new Flow(rates(100, 0));
  flow.stored(1000, events(1000), 0);
  expect([flow.acknowledge(0), flow.nextDue()]).toEqual([1000, null]);
  flow.stored(1050, events(50), 0);
  flow.stored(1100, events(50), 0);
  expect([flow.acknowledge(0), flow.nextDue()]).toEqual([null, 500]);
  expect(flow.acknowledge(499)).toBeNull();
  expect([flow.acknowledge(500), flow.nextDue()]).toEqual([1050, 1000]);
  expect([flow.acknowledge(2000), flow.nextDue()]).toEqual([1100, null]);
});

test('in a rush acknowledgements join for 25 ms, and what comes alone has its own at once', () => {
  const flow = new Flow(rates(0, 0));
  const sent: [number, number][] = [];
  for (let now = 0; now < 100; now += 5) {
    flow.stored(now / 5 + 1, events(1), now);
    const last = flow.acknowledge(now);
    if (last !== null) sent.push([now, last]);
  }
  expect(sent).toEqual([
    [0, 1],
    [25, 6],
    [50, 11],
    [75, 16],
  ]);
  expect([flow.nextDue(), flow.acknowledge(99), flow.acknowledge(100), flow.nextDue()]).toEqual([100, null, 20, null]);
  flow.stored(21, events(1), 125);
  expect(flow.acknowledge(125)).toBe(21);
});

test('a quarter of the window is acknowledged at once, so that no wrapper waits at its end', () => {
  const flow = new Flow(rates(0, 0));
  flow.stored(1, events(1), 0);
  expect(flow.acknowledge(0)).toBe(1);
  flow.stored(2, events(1), 1);
  expect(flow.acknowledge(1)).toBeNull();
  flow.stored(3, events(LINK_WINDOW_EVENTS / 4 - 1), 2);
  expect([flow.acknowledge(2), flow.nextDue()]).toEqual([3, null]);
});

test('bytes have a rate of their own, and either holds back', () => {
  const flow = new Flow(rates(1_000_000, 1));
  flow.stored(1, { events: 1, bytes: 12 * 1024 }, 0);
  expect([flow.acknowledge(1999), flow.nextDue(), flow.acknowledge(2000)]).toEqual([null, 2000, 1]);
});

test('what was stored before and comes again waits behind what is held back', () => {
  const flow = new Flow(rates(1, 0));
  flow.stored(20, events(20), 0);
  flow.stored(20, events(0), 1);
  expect([flow.acknowledge(9_999), flow.acknowledge(10_000)]).toEqual([null, 20]);
});

test('a preview within the rate counts, and beyond it none is shown', () => {
  const flow = new Flow(rates(1, 0));
  const shown = Array.from({ length: 20 }, () => flow.preview(100, 0)).filter(Boolean);
  expect(shown.length).toBe(11);
  flow.stored(1, events(1), 0);
  expect(flow.nextDue()).toBe(2000);
  expect([flow.preview(100, 1000), flow.preview(100, 2000)]).toEqual([false, true]);
});

test('0 lifts both', () => {
  const flow = new Flow(rates(0, 0));
  for (let n = 1; n <= 100; n += 1) {
    const now = n * 25;
    flow.stored(n * 1_000, { events: 1_000, bytes: 1_000_000 }, now);
    expect([flow.preview(1_000_000, now), flow.acknowledge(now), flow.flood()]).toEqual([true, n * 1_000, null]);
  }
});

test.each([
  ['EVENTS_PER_SECOND', { events: LINK_FLOOD_EVENTS, bytes: 0 }, events(1)],
  ['EVENT_KB_PER_SECOND', { events: 1, bytes: LINK_FLOOD_BYTES }, { events: 1, bytes: 1 }],
])('more than a correct wrapper leaves unacknowledged is a flood, which names %s', (setting, most, more) => {
  const flow = new Flow(rates(1, 1));
  flow.stored(1, most, 0);
  expect(flow.flood()).toBeNull();
  flow.stored(2, more, 0);
  expect(flow.flood()).toContain(setting);
  // A new connection is told what is stored. That is an acknowledgement too.
  flow.welcomed();
  expect([flow.flood(), flow.nextDue()]).toEqual([null, null]);
});

test('a clock that is set back makes nobody wait longer', () => {
  const flow = new Flow(rates(10, 0));
  flow.stored(1, events(1), 1_000_000);
  expect(flow.acknowledge(1_000_000)).toBe(1);
  flow.stored(2, events(1), 0);
  expect([flow.acknowledge(0), flow.nextDue(), flow.acknowledge(25)]).toEqual([null, 25, 2]);
  flow.stored(3, events(1), 26);
  flow.stored(4, events(1), -1000);
  expect([flow.acknowledge(-1000), flow.nextDue(), flow.acknowledge(-976)]).toEqual([null, -976, 4]);
});

const arrival = fc.record({
  after: fc.integer({ min: 0, max: 5_000 }),
  events: fc.integer({ min: 0, max: 200 }),
  bytes: fc.integer({ min: 0, max: 40_000 }),
});

test('whatever comes when, no more is acknowledged than may have come by then, and all of it in the end', () => {
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 40 }), (arrivals) => {
      const flow = new Flow(rates(20, 4));
      let now = 0;
      let stored = 0;
      const sizes: Load[] = [];
      let acknowledged = 0;
      const check = (): void => {
        const last = flow.acknowledge(now);
        if (last === null) return;
        expect(last).toBeGreaterThan(acknowledged);
        acknowledged = last;
        const sum = sizes.slice(0, last).reduce((all, one) => all + one.events, 0);
        const bytes = sizes.slice(0, last).reduce((all, one) => all + one.bytes, 0);
        expect(sum).toBeLessThanOrEqual(20 * (10 + now / 1000) + 1e-6);
        expect(bytes).toBeLessThanOrEqual(4096 * (10 + now / 1000) + 1e-6);
      };
      for (const { after, ...load } of arrivals) {
        now += after;
        check();
        stored += 1;
        sizes.push(load);
        flow.stored(stored, load, now);
        check();
      }
      for (let due = flow.nextDue(); due !== null; due = flow.nextDue()) {
        now = Math.max(now, due);
        check();
      }
      expect(acknowledged).toBe(stored);
    }),
  );
});
