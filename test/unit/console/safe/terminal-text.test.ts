import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linesOf } from '../../../../console/safe/ansi/terminal-text.ts';
import { anyText } from '../../../support/console/any-text.ts';

/** What begins or ends a sequence, or moves in a line. */
const OF_SEQUENCES = new RegExp(`[\u0080-\u009f${['\u001b', '\r', '\n', '\b', '\u0007'].join('')}]`);

function textOf(output: string): string {
  return linesOf(output)
    .map((line) => line.map(({ text }) => text).join(''))
    .join('\n');
}

function stylesOf(output: string): readonly object[] {
  return linesOf(output).flatMap((line) => line.map(({ style }) => style));
}

describe('output of a terminal', () => {
  test.each([
    ['progress in one line', '10%\r20%\r100%\ndone', '100%\ndone'],
    ['a shorter line over a longer one', 'abcdef\rxy', 'xycdef'],
    ['a line that is erased first', 'abcdef\r\u001b[Kxy', 'xy'],
    ['a line that is erased whole', 'abc\u001b[2K\rx', 'x'],
    ['backspaces', 'abc\b\bX', 'aXc'],
    ['lines that end as on Windows', 'a\r\nb\r\n', 'a\nb'],
    ['empty lines', 'a\n\nb', 'a\n\nb'],
    ['cursor and screen', 'a\u001b[2J\u001b[H\u001b[10;10Hb\u001b[?1049hc', 'abc'],
    ['a bell', 'a\u0007b', 'ab'],
    ['a title', '\u001b]0;evil\u0007a\u001b]2;evil\u001b\\b', 'ab'],
    ['a link', '\u001b]8;;https://evil.example\u0007text\u001b]8;;\u0007', 'text'],
    ['the clipboard', '\u001b]52;c;ZXZpbA==\u0007a', 'a'],
    ['DCS, APC, PM and SOS', '\u001bPq#0\u001b\\a\u001b_G\u001b\\b\u001b^x\u001b\\c\u001bXy\u001b\\d', 'abcd'],
    ['C1 forms', '\u009b31ma\u009d0;t\u009cb', 'ab'],
    ['a string that does not end hides nothing', '\u001b]0;visible', '0;visible'],
    ['a sequence that is cut', 'a\u001b[31', 'a'],
    ['queries', 'a\u001b[6n\u001b[c\u001bZb', 'ab'],
    ['other character sets', 'a\u001b(0b', 'ab'],
  ])('%s', (_, output, expected) => {
    expect(textOf(output)).toBe(expected);
  });

  test("has colours, the theme's and its own", () => {
    expect(stylesOf('\u001b[1;31ma\u001b[22;39mb\u001b[38;5;9mc\u001b[38;2;1;2;3;48;5;231md\u001b[me')).toEqual([
      { bold: true, ink: 1 },
      {},
      { ink: 9 },
      { ink: [1, 2, 3], ground: [255, 255, 255] },
      {},
    ]);
  });

  test('hides and blinks nothing, and passes over what is no colour', () => {
    expect(
      stylesOf('\u001b[8;5;6ma\u001b[38;5;999mb\u001b[38;2;1;2mc\u001b[38mde\u001b[>4;2mf\u001b[58;5;1mg'),
    ).toSatisfy((styles: readonly object[]) => styles.every((style) => !('hidden' in style) && !('ink' in style)));
  });

  test('whatever a program writes, nothing of a sequence is left, and lines are lines', () => {
    const part = fc.constantFrom(
      '\u001b',
      '[',
      ']',
      '\u009b',
      '\u0090',
      ';',
      '1',
      'm',
      'K',
      '\r',
      '\n',
      '\b',
      '\u0007',
      'a',
      '\u001b\\',
      '\u0301',
      '😀',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, anyText(2)), { maxLength: 60 }), (parts) => {
        for (const line of linesOf(parts.join(''))) for (const { text } of line) expect(text).not.toMatch(OF_SEQUENCES);
      }),
    );
  });

  test.each([
    ['escapes', '\u001b'.repeat(500_000)],
    ['strings that do not end', '\u001b]'.repeat(250_000)],
    ['strings in C1', '\u009d'.repeat(500_000)],
    ['one long string', `\u001b]${'a'.repeat(500_000)}`],
    ['progress', 'a\r'.repeat(250_000)],
    ['erased lines', `${'a'.repeat(100_000)}\r${'\u001b[2K'.repeat(100_000)}`],
    ['parameters', `\u001b[${';'.repeat(500_000)}m`],
    ['colours', '\u001b[1m\u001b[0ma'.repeat(60_000)],
  ])('half a megabyte of %s takes no second', (_, output) => {
    const begun = process.cpuUsage();
    linesOf(output);
    const { user } = process.cpuUsage(begun);
    expect(user / 1000).toBeLessThan(1000);
  });
});
