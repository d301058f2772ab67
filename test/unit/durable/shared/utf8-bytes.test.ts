import fc from 'fast-check';
import { expect, it } from 'vitest';
import { utf8Bytes } from '../../../../durable/shared/text/utf8-bytes.ts';

it('counts what an encoder writes, for any text, short and long', () => {
  const unit = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ud83d', '\ude00'), maxLength: 40 });
  const cases = fc.tuple(unit, fc.integer({ min: 1, max: 3000 }), unit);
  fc.assert(
    fc.property(cases, ([piece, times, end]) => {
      const text = piece.repeat(times) + end;
      expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length);
    }),
  );
});
