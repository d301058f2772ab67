import { describe, expect, it } from 'vitest';
import {
  listedWakeup,
  MAX_WAKEUPS,
  wakeupMessage,
  wakeupTime,
} from '../../../../../../durable/session/core/turns/wakeup.ts';

const NOW = Date.parse('2026-01-31T09:00:00Z');
const DAYS_30 = 30 * 86_400;

const time = (when: { in_seconds?: number; at?: string }, waiting = 0) => wakeupTime(when, waiting, NOW);

describe('the time of a wake-up', () => {
  it.each([
    ['seconds from now', { in_seconds: 1 }, 1],
    ['as far ahead as it may be', { in_seconds: DAYS_30 }, DAYS_30],
    ['an instant', { at: '2026-01-31T09:00:01Z' }, 1],
    ['an instant in another time zone', { at: '2026-01-31T10:01+01:00' }, 60],
  ])('is %s', (_, when, seconds) => {
    expect(time(when)).toBe(NOW + seconds * 1000);
  });

  it.each([
    ['is missing', {}, 'either in_seconds or at'],
    ['is said twice', { in_seconds: 5, at: '2026-01-31T09:00:05Z' }, 'not both'],
    ['is over', { at: '2026-01-31T08:00:00Z' }, 'It is 2026-01-31T09:00:00.000Z now'],
    ['is less than a second ahead', { at: '2026-01-31T09:00:00.999Z' }, 'at least a second'],
    ['is further ahead than 30 days', { at: '2026-03-02T09:00:00.001Z' }, '2026-03-02T09:00:00.000Z'],
  ])('that %s is refused, and what would fit is said', (_, when, words) => {
    expect(time(when)).toMatchObject({ refused: 'invalid_request', detail: expect.stringContaining(words) });
  });

  it('is refused once as many wait as may', () => {
    expect(time({ in_seconds: 5 }, MAX_WAKEUPS - 1)).toBe(NOW + 5000);
    expect(time({ in_seconds: 5 }, MAX_WAKEUPS)).toMatchObject({
      refused: 'wakeups_limit_reached',
      detail: expect.stringContaining('cancel_wakeup'),
    });
  });
});

const wakeup = { wakeup_id: '01939f5a-7c1e-7000-8000-000000000001', at: NOW, prompt: 'Look at the build.' };

it('the agent reads that it is its own wake-up, for when it was, and what it told itself', () => {
  expect(wakeupMessage(wakeup)).toMatch(/you scheduled for 2026-01-31T09:00:00.000Z:\n\nLook at the build.$/);
});

it('the agent’s list has short prompts whole, and of long ones the beginning', () => {
  expect(listedWakeup(wakeup)).toEqual({ ...wakeup, at: '2026-01-31T09:00:00.000Z' });
  const { prompt } = listedWakeup({ ...wakeup, prompt: 'p'.repeat(30_000) });
  expect(prompt).toContain('ppp … (30000 characters)');
  expect(prompt.length).toBeLessThan(1100);
});
