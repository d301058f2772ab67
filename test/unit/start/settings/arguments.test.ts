import { expect, test } from 'vitest';
import { parseCommand } from '../../../../start/settings/arguments.ts';

test('without arguments it serves', () => {
  expect(parseCommand([])).toEqual({ run: 'serve', prompt: undefined });
});

test('words are a prompt, quoted or not', () => {
  const prompt = { prompt: 'Create hello.md', model: undefined, once: false };
  expect(parseCommand(['Create hello.md'])).toEqual({ run: 'serve', prompt });
  expect(parseCommand(['Create', 'hello.md'])).toEqual({ run: 'serve', prompt });
});

test('a prompt may come with its model, and be all that is wanted', () => {
  expect(parseCommand(['--model', 'opus-4', '--once', 'Hi'])).toEqual({
    run: 'serve',
    prompt: { prompt: 'Hi', model: 'opus-4', once: true },
  });
});

test('--help and --version come before everything else', () => {
  expect(parseCommand(['--help', 'Hi'])).toEqual({ run: 'help' });
  expect(parseCommand(['--version'])).toEqual({ run: 'version' });
});

test.each([
  [['--prot', '1'], /^Unknown option '--prot' \(--help shows the flags\)$/],
  [['--model', '', 'Hi'], /^--model must be a model name/],
  [['--model', 'opus-4'], /^--model is the model of a prompt/],
  [['--once'], /^--once ends with a prompt/],
  [[' '], /^the prompt is empty$/],
])('%j is refused in one line', (args, line) => {
  expect(parseCommand(args)).toEqual({ refused: expect.stringMatching(line) });
});
