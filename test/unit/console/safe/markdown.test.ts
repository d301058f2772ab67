import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { marked, type Token } from 'marked';
import { describe, expect, test } from 'vitest';
import { linksOf, tokensOf } from '../../../../console/safe/markdown/bounded-lexer.ts';
import { chunksOf } from '../../../../console/safe/markdown/chunks.ts';
import { PROJECT } from '../../../../start/lib/project.ts';

function depthOf(tokens: readonly Token[]): number {
  return tokens.reduce((depth, token) => {
    const items: Token[] = token.type === 'list' ? (token as { items: Token[] }).items : [];
    return Math.max(depth, 1 + depthOf([...('tokens' in token ? (token.tokens ?? []) : []), ...items]));
  }, 0);
}

function steps(make: (n: number) => string): string {
  return Array.from({ length: 280 }, (_, n) => make(n)).join('');
}

/** As HTML, which only this test makes of it. */
function html(chunks: readonly string[], text: string): string {
  const links = linksOf(text);
  return chunks.map((chunk) => marked.parser([...(tokensOf(chunk, links) ?? [])])).join('');
}

describe('Markdown in chunks', () => {
  test('reads as it does whole: our own documents', async () => {
    const docs = (await readdir(path.join(PROJECT, 'docs'))).filter((name) => name.endsWith('.md'));
    for (const name of ['../README.md', '../CONTRIBUTING.md', ...docs]) {
      const text = await readFile(path.join(PROJECT, 'docs', name), 'utf8');
      expect(html(chunksOf(text), text), name).toBe(marked.parse(text, { async: false }));
    }
  });

  test.each([
    ['a fence with empty lines', '```\na\n\nb\n\n# c\n```\nafter', ['```\na\n\nb\n\n# c\n```\n', 'after']],
    ['a longer fence', '````\n```\n\n````\n\nx', ['````\n```\n\n````\n\n', 'x']],
    ['a loose list', '- a\n\n- b\n\n  more\n\ntext', ['- a\n\n- b\n\n  more\n\n', 'text']],
    ['numbers', '1. a\n\n2. b\n\n3', ['1. a\n\n2. b\n\n3']],
    ['paragraphs', 'a\nb\n\nc', ['a\nb\n\n', 'c']],
    ['bold after a list', '- a\n\n**b**', ['- a\n\n', '**b**']],
    ['indented code', 'a\n\n    b\n\n    c', ['a\n\n    b\n\n    c']],
  ])('%s', (_, text, expected) => {
    expect(chunksOf(text)).toEqual(expected);
  });

  const line = fc.constantFrom(
    '',
    '',
    'text',
    '- a',
    '* b',
    '1. c',
    '  d',
    '    e',
    '```',
    '~~~~',
    '> q',
    '# h',
    '| a |',
    '---',
    '**x',
    '[a]: b',
    '\t',
    '\r',
  );
  const text = fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n'));

  test('loses nothing', () => {
    fc.assert(
      fc.property(text, (text) => {
        expect(chunksOf(text).join('')).toBe(text);
      }),
    );
  });

  test('keeps all chunks but the last two while text grows', () => {
    fc.assert(
      fc.property(text, fc.nat(200), (text, at) => {
        const before = chunksOf(text.slice(0, at));
        expect(chunksOf(text).slice(0, Math.max(0, before.length - 2))).toEqual(before.slice(0, -2));
      }),
    );
  });

  test('is cut where no person would write on', () => {
    for (const chunk of chunksOf('- a\n'.repeat(5000))) expect(chunk.length).toBeLessThan(1100);
    expect(chunksOf('a'.repeat(100_000))).toHaveLength(1);
    expect(tokensOf('a'.repeat(100_000), linksOf(''))).toBeNull();
  });
});

describe('what a chunk may take', () => {
  const N = 40_000;
  const of = (part: string) => part.repeat(Math.ceil(N / part.length)).slice(0, N);

  test.each([
    ['brackets', of('[')],
    ['brackets that close', `${of('[')}${of(']')}`],
    ['links that do not end', of('[a](')],
    ['links in links', of('[a](b ')],
    ['images', of('![')],
    ['backticks', of('`')],
    ['longer and longer backticks', steps((n) => `${'`'.repeat(n)}a`)],
    ['emphasis that does not end', of('*a ')],
    ['emphasis in emphasis', of('*a_')],
    ['emphasis in emphasis, short enough to be read', of('***a** ').slice(0, 19_000)],
    ['mail that is none, short enough to be read', `${of('a.b-c+').slice(0, 19_000)}@`],
    ['emphasis of both signs', of('***a** ')],
    ['underscores', of('_a__')],
    ['ends of emphasis', of('a**')],
    ['strikes', of('~~a ')],
    ['tags that do not end', of('<a ')],
    ['attributes that do not end', `<a ${of('b="')}`],
    ['comments', of('<!--')],
    ['a table with a long head', `|${of('a|')}\n|${of('-|')}\n${of('|\n')}`],
    ['a table with many rows', `|a|b|\n|-|-|\n${of('|a|b|\n')}`],
    ['quotes in quotes', of('>')],
    ['quotes in quotes, line by line', steps((n) => `${'>'.repeat(n)} a\n`)],
    ['lists in lists', of('- ')],
    ['lists in lists, line by line', steps((n) => `${' '.repeat(n)}- a\n`)],
    ['quotes in lists', of('- > ')],
    ['a long list', of('- a\n')],
    ['a long numbered list', of('1. a\n')],
    ['a list with lazy lines', `- ${of('a\n')}`],
    ['tasks', of('- [ ] a\n')],
    ['definitions', of('[a]: b\n')],
    ['footnotes', of('[^1]: a\n')],
    ['headings', of('# a\n')],
    ['signs of a heading', `# a${of(' #')}`],
    ['mail', of('a@')],
    ['mail that is none', `${of('a.b-c+')}@`],
    ['an address with parentheses', `http://a${of(')')}`],
    ['addresses', of('https://a.')],
    ['escapes', of('\\*')],
    ['references', `http://a/${of('&a;')}`],
    ['blanks', `a${of(' ')}b`],
    ['line breaks', of('a  \n')],
    ['fences', of('```\n')],
    ['one line of a megabyte', 'a'.repeat(1_000_000)],
    ['one word of signs', '*_`['.repeat(250_000)],
  ])('%s: no time to speak of, and no depth', (_, text) => {
    const begun = process.cpuUsage();
    const links = linksOf(text);
    for (const chunk of chunksOf(text)) expect(depthOf(tokensOf(chunk, links) ?? [])).toBeLessThan(60);
    const { user } = process.cpuUsage(begun);
    // Some of these take marked itself minutes.
    expect(user / 1000).toBeLessThan(1500);
  });

  test('any text is read without an error', () => {
    const part = fc.constantFrom(
      '*',
      '_',
      '`',
      '[',
      ']',
      '(',
      ')',
      '<',
      '>',
      '!',
      '|',
      '-',
      '\n',
      '\n\n',
      ' ',
      '#',
      '~',
      '\\',
      '&',
      '"',
      ':',
      'a',
      '1.',
      '&#58;',
      '__proto__',
      'constructor',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 80 }), (parts) => {
        const text = parts.join('');
        for (const chunk of chunksOf(text)) expect(tokensOf(chunk, linksOf(text))).not.toBeNull();
      }),
    );
  });

  test('references work from anywhere in a text, prototypes are none', () => {
    const text =
      '[a][one] [constructor][] [toString]\n\nmore\n\n[One]: https://a.example\n[__proto__]: https://b.example';
    const links = linksOf(text);
    expect(Object.keys(links)).toEqual(['one', '__proto__']);
    const [first = ''] = chunksOf(text);
    const hrefs = JSON.stringify(tokensOf(first, links)).match(/"href":"[^"]*"/g);
    expect(hrefs).toEqual(['"href":"https://a.example"']);
  });
});
