import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { open, type Interaction } from '../../../../../durable/shared/interactions/interaction.ts';
import { nextReminder, remind } from '../../../../../durable/shared/interactions/reminders.ts';

/** A question of `seconds`, asked at `created`. */
function question(seconds: number, max_attempts: number, created = 0): Interaction {
  const opening = open(
    { of: 'tool', id: crypto.randomUUID(), input: { question: '?', timeout_seconds: seconds, max_attempts } },
    {
      epoch: 1,
      now: created,
      attached: true,
      open: 0,
      limits: { timeout: 1000, longest: 604_800_000, permission_default: 'deny', people: ['alice'], reminders: 0 },
    },
  );
  if (!('opened' in opening)) throw new Error('it was refused');
  return opening.opened;
}

const anyQuestion = fc
  .record({
    seconds: fc.integer({ min: 1, max: 604_800 }),
    most: fc.integer({ min: 0, max: 100 }),
    created: fc.integer({ min: 0, max: 4e12 }),
  })
  .map(({ seconds, most, created }) => question(seconds, most, created));

describe('reminders', () => {
  it('are spaced evenly between asking and the deadline', () => {
    const times: (number | null)[] = [];
    for (let one: Interaction | null = question(40, 3, 1000); one !== null;) {
      const next: number | null = nextReminder(one);
      times.push(next);
      one = next === null ? null : remind(one, next);
    }
    expect(times).toEqual([11_000, 21_000, 31_000, null]);
  });

  it('are as many as were asked for, whatever the question, where no alarm is late', () => {
    fc.assert(
      fc.property(anyQuestion, (asked) => {
        let one = asked;
        for (let n = 1; n <= asked.reminders; n += 1) {
          const next = nextReminder(one) ?? Number.NaN;
          expect(next).toBeLessThan(asked.deadline);
          expect(remind(one, next - 1)).toBeNull();
          one = remind(one, next) ?? one;
          expect(one.reminded).toBe(n);
        }
        expect(nextReminder(one)).toBeNull();
        expect(remind(one, asked.deadline)).toBeNull();
      }),
    );
  });

  it('are one for all that an alarm missed, and the next is to come later than it', () => {
    fc.assert(
      fc.property(anyQuestion, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (asked, parts) => {
        let one = asked;
        for (const part of parts.toSorted((a, b) => a - b)) {
          const now = asked.created + Math.floor((asked.deadline - asked.created) * part);
          const isDue = (nextReminder(one) ?? Infinity) <= now;
          const reminded = remind(one, now);
          expect(reminded !== null).toBe(isDue);
          one = reminded ?? one;
          expect(remind(one, now)).toBeNull();
          expect(nextReminder(one) ?? Infinity).toBeGreaterThan(now);
        }
        expect(one.reminded).toBeLessThanOrEqual(asked.reminders);
      }),
    );
  });

  it('do not come of what is closed', () => {
    const closed = { ...question(40, 3), state: 'resolved' as const };
    expect(nextReminder(closed)).toBeNull();
    expect(remind(closed, 30_000)).toBeNull();
  });
});
