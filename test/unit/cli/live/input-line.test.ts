import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { wholeLines } from '../../../../cli/live/input-line.ts';

test('what ends a line, or fills one, is shown; the rest is kept', () => {
  expect(wholeLines('one\ntwo', 20)).toEqual({ whole: 'one\n', rest: 'two' });
  expect(wholeLines('some words that are long', 10)).toEqual({ whole: 'some words\nthat are\n', rest: 'long' });
  expect(wholeLines('0123456789ab', 10)).toEqual({ whole: '0123456789\n', rest: 'ab' });
});

test('no word is lost, and what is kept fits the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.integer({ min: 2, max: 30 }), (text, width) => {
      const { whole, rest } = wholeLines(text, width);
      expect((whole + rest).replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
      expect(stringWidth(rest)).toBeLessThanOrEqual(width);
    }),
  );
});
