import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import type { EventPage, EventPlace, SessionEvent } from '../../../../client/main.ts';
import { LogWindow } from '../../../../console/session/log/window/log-window.ts';
import { isSilent } from '../../../../console/transcript/silent.ts';
import { Transcript } from '../../../../console/transcript/transcript.ts';
import { longLog } from '../../../support/console/logs/recorded-log.ts';

const LOG = longLog(1500) as (SessionEvent & { seq: number })[];
const BOUNDS = { events: 120, size: 1024 * 1024, page: 40 };
const forever = new AbortController().signal;

/** A log that grows, with its first events gone, as the service gives it. */
class Growing {
  last: number;
  readonly first: number;

  constructor(first: number, last: number) {
    this.first = first;
    this.last = last;
  }

  page(place: EventPlace | undefined, { limit }: { readonly limit: number }): Promise<EventPage> {
    const stored = LOG.slice(this.first - 1, this.last);
    const before = place === undefined ? Number.MAX_SAFE_INTEGER : 'before' in place ? place.before : null;
    const after = place !== undefined && 'after' in place ? place.after : 0;
    const events =
      before === null
        ? stored.filter(({ seq }) => seq > after).slice(0, limit)
        : stored.filter(({ seq }) => seq < before).slice(-limit);
    const begin = events[0]?.seq ?? Math.max(Math.min(before ?? this.last + 1, this.last + 1), this.first);
    const end = events.at(-1)?.seq ?? (before === null ? this.last : begin - 1);
    return Promise.resolve({
      events,
      next: end < this.last ? end : null,
      previous: begin > this.first ? begin : null,
      last: this.last,
    });
  }
}

type Step = { readonly do: 'older' | 'newer' | 'newest' } | { readonly do: 'around'; readonly at: number } | Grow;
interface Grow {
  readonly do: 'grow';
  readonly by: number;
  readonly follows: boolean;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom({ do: 'older' } as const, { do: 'newer' } as const, { do: 'newest' } as const),
  fc.record({ do: fc.constant('around' as const), at: fc.integer({ min: 1, max: 1500 }) }),
  fc.record({ do: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 90 }), follows: fc.boolean() }),
);

test('what is loaded is a run of the log without a hole, bounded, however the reader goes about in it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 300 }), async (steps, first) => {
      const source = new Growing(first, 600);
      const window = new LogWindow(source, (work) => work(), BOUNDS);
      await window.newest(forever);
      for (const one of steps) {
        if (one.do === 'grow') {
          window.follows = one.follows;
          for (let count = 0; count < one.by && source.last < LOG.length; count += 1) {
            const event = LOG[source.last];
            source.last += 1;
            if (event !== undefined) window.take(event);
          }
        } else if (one.do === 'around') await window.around(Math.min(Math.max(one.at, first), source.last), forever);
        else await window[one.do](forever);
        const { from, to } = window;
        const loaded = LOG.slice(from - 1, to).filter((event) => !isSilent(event));
        expect(loaded.length).toBeLessThanOrEqual(BOUNDS.events + BOUNDS.page);
        const whole = new Transcript();
        for (const event of loaded) whole.add(event);
        expect(window.items.value).toEqual(whole.items);
        expect(window.hasNewer.value).toBe(to < source.last);
        expect(window.hasOlder.value).toBe(from > first);
      }
    }),
    { numRuns: inject('generatedRuns') },
  );
});

test('who scrolls back comes to the beginning, and from there to the end', async () => {
  const source = new Growing(1, LOG.length);
  const window = new LogWindow(source, (work) => work(), BOUNDS);
  await window.newest(forever);
  const seen = new Set<string>();
  const look = () => {
    for (const { key } of window.items.value) seen.add(key);
  };
  for (let loads = 0; window.hasOlder.value; loads += 1) {
    expect(loads).toBeLessThan(100);
    await window.older(forever);
    look();
  }
  for (let loads = 0; window.hasNewer.value; loads += 1) {
    expect(loads).toBeLessThan(100);
    await window.newer(forever);
    look();
  }
  const whole = new Transcript();
  for (const event of LOG) whole.add(event);
  for (const { key } of whole.items) expect(seen).toContain(key);
  expect(window.to).toBe(LOG.length);
});
