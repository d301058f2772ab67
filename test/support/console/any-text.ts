import fc from 'fast-check';

/** Characters that matter to what shows text, and any other: halves of pairs too. `fc.string({ unit: 'binary' })` takes seconds to begin. */
const character = fc.oneof(
  fc.constantFrom(
    '\u202e',
    '\u2066',
    '\u200b',
    '\u200d',
    '\ufeff',
    '\u0000',
    '\u001b',
    '\r',
    '\n',
    '\t',
    '\u0301',
    '😀',
    'a',
    ' ',
  ),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  fc.integer({ min: 0x10000, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
  fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
);

/** Text as an agent may write it, whatever it is made for. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.array(character, { maxLength: Math.ceil(maxLength / 2) }).map((characters) => characters.join(''));
}
