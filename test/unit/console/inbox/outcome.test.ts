import { expect, test } from 'vitest';
import { defaultText, outcomeOf } from '../../../../console/inbox/answer/outcome.ts';

const answers = { kind: 'answers' as const, answers: ['teal', ['a', 'b']] };
const denied = { kind: 'decision' as const, decision: 'deny' as const, message: 'Not on Friday.' };
const resolved = (resolution: typeof answers | typeof denied, resolved_by: string | null = 'bob') => ({
  state: 'resolved' as const,
  resolution,
  resolved_by,
});

test('what was answered from here is said as it was sent', () => {
  expect(outcomeOf(resolved(answers), true)).toEqual({ text: 'Answered: teal · a, b', by: 'mine' });
  expect(outcomeOf(resolved(denied), true)).toEqual({ text: 'Denied: Not on Friday.', by: 'mine' });
  const allowed = { kind: 'decision' as const, decision: 'allow_session' as const, message: null };
  expect(outcomeOf({ state: 'resolved', resolution: allowed, resolved_by: null }, true).text).toBe(
    'Allowed for this session',
  );
});

test('what somebody else has answered says who', () => {
  expect(outcomeOf(resolved(answers), false)).toEqual({
    text: 'Somebody was first: teal · a, b (by bob)',
    by: 'other',
  });
  expect(outcomeOf(resolved(denied, null), false).text).toBe('Somebody was first: denied: Not on Friday.');
});

test('what nobody answered says what follows', () => {
  const expired = { state: 'expired' as const, resolved_by: null };
  expect(outcomeOf({ ...expired, resolution: denied }, false).text).toBe('Time was up: denied: Not on Friday.');
  expect(outcomeOf({ ...expired, resolution: null }, false)).toEqual({
    text: 'Time was up: it goes on without an answer',
    by: 'nobody',
  });
  expect(outcomeOf({ state: 'withdrawn', resolution: null, resolved_by: null }, false).by).toBe('nobody');
  expect(defaultText(null)).toBe('it goes on without an answer');
});
