import type { Message } from '../../../client/main.ts';
import type { Cli } from '../../lib/cli.ts';
import { printable } from '../../output/terminal.ts';

/** Prints what a message was answered with, or why it was not. To a terminal the agent says nothing but text. */
export function sayAnswer({ out, err, stdout }: Cli, { status, result, error }: Message): void {
  const answer = result ?? '';
  if (status === 'completed') out.line(stdout.isTTY ? printable(answer) : answer);
  else err.line(`✗ ${printable(error?.detail ?? status)} (${error?.code ?? status})`, 'red');
}
