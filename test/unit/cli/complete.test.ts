import { Argument, Command, Option } from '@commander-js/extra-typings';
import { expect, test } from 'vitest';
import { complete } from '../../../cli/lib/complete.ts';

const program = new Command('cc')
  .addCommand(
    new Command('run')
      .argument('[session]')
      .option('-m, --model <name>', 'the model')
      .addOption(new Option('--mode <mode>').choices(['ask', 'plan']))
      .option('--rm', 'remove it'),
  )
  .addCommand(new Command('rm').argument('<session...>'))
  .addCommand(new Command('context').addCommand(new Command('use').argument('<context>')))
  .addCommand(new Command('completion').addArgument(new Argument('<shell>').choices(['bash', 'zsh'])));

const find = async (argument: string) =>
  await Promise.resolve({ session: ['8f97', '6556'], context: ['home'], model: ['opus'] }[argument]?.map(named) ?? []);
const named = (value: string) => ({ value, description: '' });

test.each([
  [['r'], ['run', 'rm']],
  [
    ['run', '--m'],
    ['--model', '--mode'],
  ],
  [
    ['run', '--mode', ''],
    ['ask', 'plan'],
  ],
  [['run', '--model', ''], ['opus']],
  [
    ['run', '--rm', ''],
    ['8f97', '6556'],
  ],
  [['run', '--model', 'x', '6'], ['6556']],
  [['run', '8f97', ''], []],
  [['rm', '8f97', '6'], ['6556']],
  [['context', ''], ['use']],
  [['context', 'use', ''], ['home']],
  [['completion', 'z'], ['zsh']],
])('%j', async (words, values) => {
  expect((await complete(program, words, find)).map(({ value }) => value)).toEqual(values);
});
