import { CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { completionValues } from './names/completion-values.ts';
import type { Cli } from './lib/cli.ts';
import { complete } from './lib/complete.ts';
import { ExitCode, Failure, Interrupted, lineOf } from './lib/failure.ts';
import { listenForInterrupts } from './lib/interrupts.ts';
import { createTerminal, printable } from './output/terminal.ts';
import { program } from './program.ts';

/** `cc-docker ARGS`. */
async function main(args: readonly string[]): Promise<void> {
  // Who reads us has enough, as `head` has: nothing is wrong.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.brokenPipe);
    throw error;
  });
  const interrupts = listenForInterrupts();
  const { stdin, stdout, stderr, env } = process;
  const cli: Cli = {
    out: createTerminal(stdout),
    err: createTerminal(stderr),
    stdin,
    stdout,
    stderr,
    env,
    signal: interrupts.signal,
    onInterrupt: (handler, times) => interrupts.on(handler, times),
  };
  const root = program(cli);
  if (args[0] === '__complete') {
    for (const { value, description } of await complete(root, args.slice(1), completionValues(cli)))
      cli.out.line(`${value}\t${description}`);
    return;
  }
  takeFailures(root);
  try {
    await root.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = exitCodeOf(error, cli, args.includes('--json'));
  }
}

/** Has commander throw, and say nothing of what is wrong: we say it, in one line. */
function takeFailures(command: CommandUnknownOpts): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showHelpAfterError(false);
  for (const below of command.commands) takeFailures(below);
}

/** Says why the command has failed. */
function exitCodeOf(error: unknown, { err }: Cli, json: boolean): number {
  const failure = failureOf(error);
  if (typeof failure === 'number') return failure;
  const { message, remedy, code } = failure;
  if (json) err.line(JSON.stringify({ error: { code, message, remedy } }));
  else err.line(`cc-docker: ${printable(lineOf(failure))}`);
  return failure.exitCode;
}

function failureOf(error: unknown): Failure | number {
  if (error instanceof Failure) return error;
  if (error instanceof Interrupted) return error.exitCode;
  if (error instanceof CommanderError) {
    // Help and the version, which were asked for.
    if (error.exitCode === 0) return ExitCode.done;
    // The command alone: its help was printed.
    if (error.code === 'commander.help') return ExitCode.usage;
    const what = error.message.replace(/^error: /, '').replace('\n(Did you mean', ' (did you mean');
    const usage = { code: 'usage', exitCode: ExitCode.usage };
    return new Failure(what, '`cc-docker help` shows the verbs, `cc-docker VERB --help` what each takes.', usage);
  }
  throw error;
}

await main(process.argv.slice(2));
// What is open still, such as a connection that is kept for the next call, does not matter any more.
process.stdout.write('', () => process.exit());
