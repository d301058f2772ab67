import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginning,
  MAX_PARTS,
  splitMessage,
  type Split,
} from '../../../../../../durable/discord/core/text/split-message.ts';

const partsOf = (split: Split): readonly string[] => {
  if (split.as === 'file') throw new Error('a file');
  return split.parts;
};
const MANY = { parts: 1000 };
const line = (length: number, character = 'a') => character.repeat(length);
const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;
const solid = (text: string) => text.replace(/\s/g, '');
const without = (text: string) => solid(text.replace(/```(?:js\n)?/g, ''));

describe('a text', () => {
  it.each(['short', 'a'.repeat(2000), '```js\nopen', '  indented'])(
    'that fits is one message, as it is (%#)',
    (text) => {
      expect(splitMessage(text)).toEqual({ as: 'messages', parts: [text] });
    },
  );

  it.each(['', ' ', '\n\n', '\t'])('without anything to see is no message (%j)', (text) => {
    expect(splitMessage(text)).toEqual({ as: 'messages', parts: [] });
  });

  it('is parted between its lines', () => {
    const [one, two, three] = [line(900, 'a'), line(900, 'b'), line(900, 'c')];
    expect(splitMessage(`${one}\n${two}\n${three}`)).toEqual({ as: 'messages', parts: [`${one}\n${two}`, three] });
  });

  it('has no blank lines where it was parted', () => {
    const [one, two] = [line(1500, 'a'), line(1500, 'b')];
    expect(splitMessage(`${one}\n\n\n${two}\n\n`)).toEqual({ as: 'messages', parts: [one, two] });
  });

  it('of one long line is parted between its words', () => {
    const text = Array.from({ length: 700 }, (_, at) => `word${at}`).join(' ');
    const parts = partsOf(splitMessage(text));
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.join(' ')).toBe(text);
  });

  it('of one long word is parted, but no emoji is', () => {
    const text = `x${'🎈'.repeat(2500)}`;
    const parts = partsOf(splitMessage(text));
    expect(parts.join('')).toBe(text);
    expect(parts.every((part) => part.isWellFormed() && part.length <= 2000)).toBe(true);
  });

  it('of more parts than anybody reads is a file, and how it begins', () => {
    const split = splitMessage(Array.from({ length: MAX_PARTS + 1 }, () => line(1500)).join('\n'));
    expect(split).toEqual({ as: 'file', head: line(1500) });
  });

  it('of just so many parts is none', () => {
    expect(partsOf(splitMessage(Array.from({ length: MAX_PARTS }, () => line(1500)).join('\n')))).toHaveLength(
      MAX_PARTS,
    );
  });
});

describe('a code block', () => {
  const code = Array.from({ length: 130 }, (_, at) => `  const value${at} = await something(${at});`).join('\n');

  it('goes on in the next message with its language', () => {
    const parts = partsOf(splitMessage(`Before.\n\`\`\`ts\n${code}\n\`\`\`\nAfter.`));
    expect(parts).toHaveLength(3);
    expect(parts[0]).toMatch(/^Before\.\n```ts\n {2}const value0 [^]*;\n```$/);
    expect(parts[1]).toMatch(/^```ts\n {2}const [^]*;\n```$/);
    expect(parts[2]).toMatch(/^```ts\n {2}const [^]* {2}const value129 = await something\(129\);\n```\nAfter\.$/);
    const lines = parts.flatMap((part) => part.split('\n').filter((one) => one.startsWith('  const')));
    expect(lines.join('\n')).toBe(code);
  });

  it('that would begin at the end of a message begins in the next', () => {
    const text = line(1985);
    expect(splitMessage(`${text}\n\`\`\`js\nfirst\n${line(100)}\n\`\`\``)).toEqual({
      as: 'messages',
      parts: [text, `\`\`\`js\nfirst\n${line(100)}\n\`\`\``],
    });
  });

  it('that ends where a message does leaves no empty block behind', () => {
    for (let length = 1900; length <= 2010; length += 1) {
      const parts = partsOf(splitMessage(`\`\`\`js\n${line(length)}\n\`\`\`\nAfter the block.`));
      expect(parts.every((part) => !/^```(?:js)?\n```/.test(part))).toBe(true);
      expect(parts.at(-1)).toMatch(/After the block\.$/);
    }
  });

  it('whose end comes alone into the next message leaves no empty block there', () => {
    expect(splitMessage(`\`\`\`js\n${line(1985)}\n      \`\`\`\nAfter.`)).toEqual({
      as: 'messages',
      parts: [`\`\`\`js\n${line(1985)}\n\`\`\``, 'After.'],
    });
  });

  it('that begins where the text ends is none', () => {
    expect(splitMessage(`${line(1990)}\n${line(50)}\n\`\`\`js\n`)).toEqual({
      as: 'messages',
      parts: [line(1990), line(50)],
    });
    expect(splitMessage(`${line(1999)}\n\`\`\``)).toEqual({ as: 'messages', parts: [line(1999)] });
  });

  it('that nobody closed is closed', () => {
    const parts = partsOf(splitMessage(`\`\`\`\n${code}`));
    expect(parts.every((part) => part.startsWith('```\n') && part.endsWith('\n```'))).toBe(true);
  });
});

it('how a text begins has its code block closed', () => {
  const text = beginning(`\`\`\`sh\n${'echo hello\n'.repeat(400)}\`\`\``, 500);
  expect(text.length).toBeLessThanOrEqual(500);
  expect(text).toMatch(/^```sh\necho hello\n[^]*\n```$/);
});

it('how a text begins is said, though there is no room for it', () => {
  expect(beginning('words '.repeat(100), -600).length).toBeLessThanOrEqual(200);
});

const anyLine = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.array(fc.stringMatching(/^[a-zö🎈]{1,12}$/u), { maxLength: 400 }).map((words) => words.join(' ')),
  fc.constant(''),
);
const anyText = fc.array(anyLine, { maxLength: 60 }).map((lines) => lines.join('\n'));

describe('of any text', () => {
  it('every part fits, has something to see, and nothing is lost', () => {
    fc.assert(
      fc.property(
        anyText.map((text) => text.replaceAll('`', '')),
        fc.integer({ min: 200, max: 2000 }),
        (text, length) => {
          const parts = partsOf(splitMessage(text, { length, ...MANY }));
          expect(parts.every((part) => part.length <= length && part.isWellFormed() && part.trim() !== '')).toBe(true);
          expect(solid(parts.join(''))).toBe(solid(text));
        },
      ),
    );
  });

  it('with code blocks, every part has its own closed, and nothing is lost', () => {
    const block = anyText.map((text) => `\`\`\`js\n${text.replaceAll('`', '')}\n\`\`\``);
    const prose = anyText.map((text) => text.replaceAll('`', ''));
    fc.assert(
      fc.property(fc.array(fc.oneof(block, prose), { minLength: 1, maxLength: 5 }), (sections) => {
        const text = sections.join('\n');
        const parts = partsOf(splitMessage(text, MANY));
        expect(parts.every((part) => part.length <= 2000 && count(part, /```/g) % 2 === 0)).toBe(true);
        expect(without(parts.join('\n'))).toBe(without(text));
      }),
    );
  });

  it('of backticks in any places it still fits', () => {
    const ticks = fc.array(fc.constantFrom('`', '```', '````js', 'a', ' ', '\n', '🎈', 'x'.repeat(150)), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(ticks, (pieces) => {
        const parts = partsOf(splitMessage(pieces.join(''), { length: 300, ...MANY }));
        expect(parts.every((part) => part.length <= 300 && part.isWellFormed())).toBe(true);
      }),
    );
  });
});
