import { expect, test } from 'vitest';
import { moneyText } from '../../../../console/ui/text/money-text.ts';
import { agoText, deadlineText, durationText } from '../../../../console/ui/text/time-text.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.for([
  [-5, '0 ms'],
  [340, '340 ms'],
  [4260, '4.2 s'],
  [59_999, '59 s'],
  [3 * MINUTE + 5 * SECOND, '3 min 5 s'],
  [2 * HOUR, '2 h'],
  [2 * HOUR + 10 * MINUTE, '2 h 10 min'],
  [3 * DAY + 4 * HOUR, '3 d 4 h'],
] as const)('%i ms took %s', ([ms, text]) => {
  expect(durationText(ms)).toBe(text);
});

test.for([
  [-30 * SECOND, 'now'],
  [9 * SECOND, 'now'],
  [47 * SECOND, '40 s ago'],
  [HOUR - 1, '59 min ago'],
  [DAY - 1, '23 h ago'],
  [29 * DAY, '29 d ago'],
] as const)('%i ms before now is %s', ([ago, text]) => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  expect(agoText(now - ago, now)).toBe(text);
});

test('what was long ago has its date', () => {
  expect(agoText(Date.parse('2026-01-02T03:04:05Z'), Date.parse('2026-11-30T12:00:00Z'))).toBe('2026-01-02');
});

test.for([
  [-1, 'time is up', 'over'],
  [1, '1 s left', 'near'],
  [41_200, '42 s left', 'near'],
  [59_999, '60 s left', 'near'],
  [4 * MINUTE, '4 min left', 'soon'],
  [5 * MINUTE, '5 min left', 'calm'],
  [2 * HOUR + 10 * MINUTE, '2 h 10 min left', 'calm'],
  [DAY + HOUR, '1 d 1 h left', 'calm'],
] as const)('with %i ms until its deadline it says %s', ([left, text, urgency]) => {
  expect(deadlineText(left, 0)).toEqual({ text, urgency });
});

test.for([
  [0, '$0'],
  [0.004, '<$0.01'],
  [0.42, '$0.42'],
  [12.3, '$12.30'],
  [1250.4, '$1,250'],
] as const)('%f dollars are %s', ([usd, text]) => {
  expect(moneyText(usd)).toBe(text);
});
