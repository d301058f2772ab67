import type { Terminal } from '../output/terminal.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What surrounds the command. */
export interface Cli {
  /** What it is asked for. Nothing else is written there. */
  readonly out: Terminal;
  /** What it says besides: notes, progress, failures. */
  readonly err: Terminal;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Environment;
  /** Aborts at Ctrl-C, with `Interrupted` as its reason. */
  readonly signal: AbortSignal;
  /** Has Ctrl-C call this instead, so many times, until the function that it returns is called. After that it ends the command at once. */
  readonly onInterrupt: (handler: () => void, times: number) => () => void;
}

/** Options that every verb has. */
export interface CommonOptions {
  readonly json?: true | undefined;
  readonly context?: string | undefined;
}

/** Whether a person sits at the terminal and can be asked. */
export function isInteractive({ stdin, stdout }: Pick<Cli, 'stdin' | 'stdout'>): boolean {
  return stdin.isTTY && stdout.isTTY;
}

/** One JSON document, on one line. */
export function printJson({ out }: Pick<Cli, 'out'>, value: unknown): void {
  out.line(JSON.stringify(value));
}
