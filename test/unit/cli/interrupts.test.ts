import { expect, test } from 'vitest';
import { Interrupts } from '../../../cli/lib/interrupts.ts';

function setUp() {
  const exits: number[] = [];
  return { exits, interrupts: new Interrupts((code) => exits.push(code)) };
}

test('the first Ctrl-C aborts what the command does, the second one ends it at once', () => {
  const { exits, interrupts } = setUp();
  interrupts.interrupt();
  expect(interrupts.signal.reason).toMatchObject({ message: 'interrupted', exitCode: 130 });
  expect(exits).toEqual([]);
  interrupts.interrupt();
  expect(exits).toEqual([130]);
});

test('a verb has the first ones for itself, and the next one ends it at once, whatever it waits for', () => {
  const { exits, interrupts } = setUp();
  let calls = 0;
  interrupts.on(() => (calls += 1), 2);
  interrupts.interrupt();
  interrupts.interrupt();
  expect({ calls, exits, isAborted: interrupts.signal.aborted }).toEqual({ calls: 2, exits: [], isAborted: false });
  interrupts.interrupt();
  expect({ calls, exits }).toEqual({ calls: 2, exits: [130] });
});

test('a verb that gives Ctrl-C back is ended in order by the next one', () => {
  const { exits, interrupts } = setUp();
  const release = interrupts.on(() => {}, 1);
  interrupts.interrupt();
  release();
  release();
  interrupts.interrupt();
  expect({ exits, isAborted: interrupts.signal.aborted }).toEqual({ exits: [], isAborted: true });
});

test('what supervisors send ends the command, also one that has Ctrl-C for itself', () => {
  const { exits, interrupts } = setUp();
  interrupts.on(() => {}, 1);
  interrupts.end(143);
  expect(interrupts.signal.reason).toMatchObject({ exitCode: 143 });
  interrupts.end(143);
  expect(exits).toEqual([143]);
});
