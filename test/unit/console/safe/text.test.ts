import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textOf } from '../../../../console/safe/text/text-of.ts';
import { cutAt, markOf, piecesOf, visibleText } from '../../../../console/safe/text/visible.ts';
import { anyText } from '../../../support/console/any-text.ts';

function shown(text: string, line = false): string {
  return piecesOf(text, line)
    .map((piece) => (typeof piece === 'string' ? piece : markOf(piece)))
    .join('');
}

describe('what cannot be seen has a name', () => {
  test.each([
    ['bidi controls', 'invoice\u202efdp.exe', 'invoice⟨RLO⟩fdp.exe'],
    ['isolates of "Trojan Source"', '/*\u2066 } */', '/*⟨LRI⟩ } */'],
    ['zero-width characters', 'pay\u200bpal\ufeff', 'pay⟨ZWSP⟩pal⟨BOM⟩'],
    ['many in a row once', 'a\u0000\u0000\u0000b', 'a⟨NUL×3⟩b'],
    ['escape and bell', '\u001b[31m\u0007', '⟨ESC⟩[31m⟨BEL⟩'],
    ['C1 controls', 'a\u009bm', 'a⟨U+009B⟩m'],
    ['half of a pair', 'a\ud800b', 'a⟨U+D800⟩b'],
    ['letters of tags, which models read and people do not', 'hi\u{e0048}', 'hi⟨U+E0048⟩'],
    ['selectors that carry bytes', 'a\u{e0101}', 'a⟨U+E0101⟩'],
    ['blanks that are letters', 'a\u3164\u2800b', 'a⟨HF⟩⟨BLANK⟩b'],
    ['line separators', 'a\u2028b\u2029c', 'a⟨LS⟩b⟨PS⟩c'],
    ['a lone CR', 'a\rb', 'a⟨CR⟩b'],
    ['a pile of marks', `e${'\u0301'.repeat(30)}`, `e${'\u0301'.repeat(6)}⟨24 marks⟩`],
    ['a joiner between letters that have no need of it', 'ad\u200dmin', 'ad⟨ZWJ⟩min'],
    ['a selector after nothing', '\ufe0fx', '⟨U+FE0F⟩x'],
  ])('%s', (_, text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test.each([
    'plain text\n\twith a tab',
    'é, ñ, Ångström, Việt',
    '👨‍👩‍👧 ❤️ 1️⃣ 👍🏽',
    'نمی‌خواهم',
    'क्‍ष',
    'שלום',
    '漢字かな',
    'a\r\nb',
  ])('a language that needs such characters keeps them: %j', (text) => {
    expect(shown(text)).toBe(text.replaceAll('\r\n', '\n'));
  });

  test('in one line, line breaks and tabs too', () => {
    expect(shown('a\nb\tc', true)).toBe('a⟨LF⟩b⟨TAB⟩c');
  });

  test('whatever the text, nothing hidden is left, and nothing else is lost', () => {
    fc.assert(
      fc.property(anyText(200), (text) => {
        const pieces = piecesOf(text);
        const plain = pieces.filter((piece) => typeof piece === 'string').join('');
        expect(plain).not.toMatch(/[\p{Cc}--[\n\t]]|[\u202a-\u202e\u2066-\u2069\u200b\ufeff]/v);
        expect(plain.isWellFormed()).toBe(true);
        const seen = text.replaceAll(/[^\x20-\x7e]/g, '');
        expect(plain.replaceAll(/[^\x20-\x7e]/g, '')).toBe(seen);
      }),
    );
  });
});

describe('text for an attribute', () => {
  test('is one line, cut, and keeps its direction to itself', () => {
    expect(visibleText('a\nb')).toBe('a⟨LF⟩b');
    expect(visibleText('abcdef', 4)).toBe('abc…');
    expect(visibleText('שלום')).toBe('\u2068שלום\u2069');
  });

  test('is never longer than it may be', () => {
    fc.assert(
      fc.property(anyText(300), fc.integer({ min: 5, max: 50 }), (text, max) => {
        // The two characters that keep a direction in.
        expect(visibleText(text, max).length).toBeLessThanOrEqual(max + 2);
      }),
    );
  });

  test('a cut leaves no half of a pair', () => {
    expect(cutAt('a😀', 2)).toBe('a');
    expect(cutAt('a😀', 3)).toBe('a😀');
  });
});

test('a field of any type has a text', () => {
  expect([textOf('a'), textOf(null), textOf(undefined), textOf(1), textOf(false)]).toEqual(['a', '', '', '1', 'false']);
  expect(textOf({ constructor: 'x' })).toBe('{"constructor":"x"}');
  expect(textOf([1, null])).toBe('[1,null]');
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  expect(textOf(circle)).toBe('[object Object]');
});

test('a quarter of a megabyte of anything is looked through at once', () => {
  for (const part of ['👨‍👩‍👧', 'e\u0301', '\u202e', '❤️', 'क्‍ष', '\u200d', 'a\u0000', '\ud800'])
    for (const line of [false, true]) {
      const begun = process.cpuUsage();
      piecesOf(part.repeat(250_000 / part.length), line);
      expect(process.cpuUsage(begun).user / 1000, part).toBeLessThan(2000);
    }
});
