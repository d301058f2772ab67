import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TerminalChannel } from '../../../../protocol/api/session/terminal.ts';
import { OutputRing } from '../../../../wrapper/terminal/output-ring.ts';

const { output, error } = TerminalChannel;
const bytesOf = (from: number, length: number) => Uint8Array.from({ length }, (_, index) => (from + index) % 251);

test('whatever comes and is dropped, each byte is found at its position, and of its stream', () => {
  const step = fc.record({ length: fc.nat({ max: 40 }), isError: fc.boolean(), keepBack: fc.nat({ max: 200 }) });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 60 }), (steps, capacity) => {
      const ring = new OutputRing(capacity);
      const channels: number[] = [];
      for (const { length, isError, keepBack } of steps) {
        const channel = isError ? error : output;
        ring.push(channel, bytesOf(ring.end, length));
        channels.push(...Array.from({ length }, () => channel));
        const keep = Math.max(0, ring.end - keepBack);
        ring.trim(keep);
        expect(ring.start).toBeLessThanOrEqual(Math.max(keep, ring.end - capacity));
        expect(ring.end - ring.start).toBeLessThanOrEqual(Math.max(capacity, keepBack));
      }
      expect(ring.end).toBe(channels.length);
      for (let at = ring.start; at < ring.end;) {
        const piece = ring.read(at, 7);
        expect(piece?.channel).toBe(channels[at]);
        expect(piece?.bytes).toEqual(bytesOf(at, piece?.bytes.length ?? -1));
        at += piece?.bytes.length ?? 1;
      }
      expect(ring.read(ring.end, 1)).toBeNull();
    }),
  );
});
