import { expect, test } from 'vitest';
import { Turns } from '../../../../wrapper/claude/turns.ts';

test('an interrupt of a running turn goes at once', () => {
  const turns = new Turns();
  turns.prompted('a');
  expect(turns.lifecycle('a', 'queued')).toBe(false);
  expect(turns.lifecycle('a', 'started')).toBe(false);
  expect(turns.interrupt('a')).toBe(true);
});

test('an interrupt of a message that is still queued goes once its turn starts, and only then', () => {
  const turns = new Turns();
  turns.prompted('a');
  expect(turns.interrupt('a')).toBe(false);
  expect(turns.lifecycle('a', 'queued')).toBe(false);
  expect(turns.lifecycle('a', 'started')).toBe(true);
  expect(turns.lifecycle('a', 'started')).toBe(false);
});

test('an interrupt that comes after its turn does not touch the next', () => {
  const turns = new Turns();
  for (const id of ['a', 'b']) {
    turns.prompted(id);
    turns.lifecycle(id, 'started');
    if (id === 'a') turns.lifecycle(id, 'completed');
  }
  expect(turns.interrupt('a')).toBe(false);
});
