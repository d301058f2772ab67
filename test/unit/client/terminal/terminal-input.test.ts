import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TerminalInput } from '../../../../client/terminal/terminal-input.ts';

type Step = { readonly does: 'type' | 'take' | 'cut'; readonly bytes: number };
const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom('type' as const, 'take' as const, 'cut' as const),
  bytes: fc.nat({ max: 40_000 }),
});

const byteAt = (position: number) => (position * 7) % 251;

test('over connections that break anywhere, the terminal takes each byte once, in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat({ max: 1000 }), (steps, before) => {
      const input = new TerminalInput();
      let typed = 0;
      const taken: number[] = [];
      let onTheWay: number[] = [];
      const send = () => {
        for (let frame = input.next(); frame !== null; frame = input.next()) onTheWay.push(...frame);
        // No further ahead than the terminal has room for.
        expect(onTheWay.length).toBeLessThanOrEqual(64 * 1024);
      };
      // A terminal that others have typed in before.
      const position = () => before + taken.length;
      input.begin(position());
      for (const { does, bytes } of [...steps, { does: 'cut', bytes: 0 } as const]) {
        if (does === 'type') {
          input.push(Uint8Array.from({ length: bytes }, (_, index) => byteAt(typed + index)));
          typed += bytes;
        } else if (does === 'take') {
          taken.push(...onTheWay.splice(0, bytes));
          input.taken(position());
        } else {
          // Some of it arrives, and nobody hears of that before the next connection.
          taken.push(...onTheWay.splice(0, bytes));
          onTheWay = [];
          input.begin(position());
        }
        send();
      }
      while (onTheWay.length > 0) {
        taken.push(...onTheWay.splice(0));
        input.taken(position());
        send();
      }
      expect(input.length).toBe(0);
      expect(taken.length).toBe(typed);
      expect(taken.every((byte, index) => byte === byteAt(index))).toBe(true);
    }),
  );
});

test('whoever types waits for room, and is let go when it is over', async () => {
  const input = new TerminalInput();
  input.begin(0);
  input.push(new Uint8Array(100_000));
  let hasRoom = false;
  const room = input.room().then(() => (hasRoom = true));
  await Promise.resolve();
  expect(hasRoom).toBe(false);
  input.taken(50_000);
  await room;
  input.push(new Uint8Array(100_000));
  const other = input.room();
  input.stop();
  await other;
});
