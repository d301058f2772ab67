import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WrapperCommand } from '../../../../protocol/link/wrapper/wrapper-link.ts';
import { Inbox } from '../../../../wrapper/link/inbox.ts';

const prompt = (n: number): WrapperCommand => ({
  command: 'prompt',
  message_id: '0190a0a0-0000-7000-8000-000000000000',
  prompt: String(n),
});

test('however commands are repeated or lost on the way, each is handed on once and in order', () => {
  const step = fc.oneof(fc.record({ receive: fc.integer({ min: 1, max: 12 }) }), fc.constant('hand on' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const inbox = new Inbox();
      const handed: string[] = [];
      for (const now of steps) {
        if (now === 'hand on') {
          const command = inbox.peek();
          if (command?.command === 'prompt') handed.push(command.prompt);
          inbox.handedOn();
        } else inbox.receive(now.receive, prompt(now.receive));
        expect(handed).toEqual(Array.from({ length: handed.length }, (_, i) => String(i + 1)));
        expect(inbox.taken).toBe(handed.length);
      }
    }),
  );
});

test('a command is held until it is handed on; after that a repetition is acknowledged again', () => {
  const inbox = new Inbox();
  expect(inbox.receive(1, prompt(1))).toBe('waiting');
  expect(inbox.receive(1, prompt(1))).toBe('waiting');
  inbox.handedOn();
  expect(inbox.receive(1, prompt(1))).toBe('taken');
  expect(inbox.peek()).toBeNull();
});

test('a command after a missing one is not taken', () => {
  const inbox = new Inbox();
  expect(inbox.receive(2, prompt(2))).toBe('gap');
  expect(inbox.peek()).toBeNull();
});
