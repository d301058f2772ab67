import { expect, test } from 'vitest';
import { deliveryOf, whatSendingDoes } from '../../../../../console/session/composer/delivery.ts';

test('a message is steered or interrupts only while there is a turn to do so with', () => {
  expect(deliveryOf(true, 'steer')).toBe('steer');
  expect(deliveryOf(true, 'interrupt')).toBe('interrupt');
  expect(deliveryOf(false, 'steer'), 'the turn has ended meanwhile').toBe('queue');
});

test('what a message does to a session that does not run is said', () => {
  expect(whatSendingDoes('stopped', 'idle_timeout')).toBe('The session is parked. A message wakes it.');
  expect(whatSendingDoes('stopped', 'budget_reached')).toContain('until the budget is raised');
  expect(whatSendingDoes('failed', 'claude_exited')).toContain('starts it again');
  expect(whatSendingDoes('idle', null)).toBeNull();
  expect(whatSendingDoes(null, null), 'not loaded yet').toBeNull();
});
