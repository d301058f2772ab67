import { Misused } from '../lib/failure.ts';
import type { Cli } from '../lib/cli.ts';
import { readStdin } from '../lib/read-stdin.ts';

/** A word that stands for what comes on stdin. */
const STDIN = '-';

/** The prompt that the words of a command line are. Without words, or with `-` among them, it comes from stdin. */
export async function promptText(cli: Pick<Cli, 'stdin' | 'signal'>, words: readonly string[]): Promise<string> {
  if (words.length === 0 && cli.stdin.isTTY)
    throw new Misused('The prompt is missing', 'Give it in quotes, or on stdin.');
  const reads = words.length === 0 || words.includes(STDIN);
  const input = reads ? (await readStdin(cli)).trim() : '';
  const said = words.filter((word) => word !== STDIN).join(' ');
  const prompt = [said, input].filter((part) => part !== '').join('\n\n');
  if (prompt === '') throw new Misused('The prompt is empty', 'Give it in quotes, or on stdin.');
  return prompt;
}
