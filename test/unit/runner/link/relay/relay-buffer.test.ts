import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommandQueue } from '../../../../../runner/link/relay/command-queue.ts';
import { RelayBuffer, type ItemsFrame } from '../../../../../runner/link/relay/relay-buffer.ts';

const frame = (first: number, items: string[]): ItemsFrame => ({ kind: 'items', first, items });
const numbered = (first: number, count: number) => Array.from({ length: count }, (_, at) => `line ${first + at}`);

/** What a run may bring, in any order. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('say' as const), back: fc.nat(6), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('break' as const), stores: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('ack' as const) }) },
);

test('whatever is repeated, left out or broken off, the session stores each item once and in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const buffer = new RelayBuffer(0);
      const stored: unknown[] = [];
      const store = (text: string): void => {
        const { first, items }: ItemsFrame = JSON.parse(text);
        expect(first).toBeLessThanOrEqual(stored.length + 1);
        stored.push(...items.slice(stored.length + 1 - first));
      };
      for (const now of steps) {
        const next = buffer.received + 1;
        switch (now.does) {
          case 'say': {
            const said = frame(Math.max(1, next - now.back), numbered(Math.max(1, next - now.back), now.count));
            const accepted = buffer.accept(said, JSON.stringify(said));
            expect(accepted.kind).toBe(said.first + now.count > next ? 'new' : 'repeated');
            break;
          }
          case 'skip':
            expect(buffer.accept(frame(next + now.count, ['lost']), '')).toEqual({ kind: 'gap', from: next });
            break;
          case 'break':
            // The session came back and takes some of what it is sent before the next break.
            for (const text of buffer.from(stored.length + 1)?.slice(0, now.stores) ?? []) store(text);
            break;
          case 'ack':
            expect(buffer.acknowledge(stored.length)).toBe(true);
        }
      }
      for (const text of buffer.from(stored.length + 1) ?? []) store(text);
      expect(stored).toEqual(numbered(1, buffer.received));
      expect(buffer.acknowledge(stored.length)).toBe(true);
      expect(buffer.empty).toBe(true);
      expect(buffer.size).toBe(0);
    }),
  );
});

test('a frame goes on exactly as it came', () => {
  const buffer = new RelayBuffer(4);
  const text = '{ "kind":"items", "first":5, "items":["a\\u0062"] }';
  expect(buffer.accept(frame(5, ['ab']), text)).toEqual({ kind: 'new', text });
  expect(buffer.from(5)).toEqual([text]);
});

test('an acknowledgement of what never came is not believed, and what was acknowledged is not there to be sent', () => {
  const buffer = new RelayBuffer(0);
  buffer.accept(frame(1, ['a', 'b']), JSON.stringify(frame(1, ['a', 'b'])));
  expect(buffer.acknowledge(3)).toBe(false);
  expect(buffer.acknowledge(1)).toBe(true);
  expect(buffer.from(1)).toBeUndefined();
  expect(buffer.from(2)).toEqual([JSON.stringify(frame(2, ['b']))]);
});

test('commands are handed on once and in order, whatever is sent again', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ number: fc.integer({ min: 1, max: 8 }), take: fc.boolean() })), (steps) => {
      const queue = new CommandQueue();
      const handed: number[] = [];
      for (const { number, take } of steps) {
        if (queue.offer(number, String(number))) handed.push(number);
        if (take) queue.take(handed.at(-1) ?? 0);
      }
      expect(handed).toEqual(handed.map((_, at) => at + 1));
      expect(queue.waiting).toEqual(handed.slice(queue.taken).map(String));
    }),
  );
});
