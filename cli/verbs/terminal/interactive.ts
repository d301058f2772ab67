import { CcDockerError, type Session, type SessionTerminal } from '../../../client/main.ts';
import { EscapeKeys } from '../../live/escape-keys.ts';
import { enterRawMode } from '../../live/raw-mode.ts';
import type { Cli } from '../../lib/cli.ts';
import { shortId } from '../../names/short-id.ts';
import { exitCodeOf, notes, show } from './run-terminal.ts';

const HELP =
  '\r\n[~. leaves, and the shell goes on for a while; ~? shows this; ~~ is a tilde: each at the beginning of a line]\r\n';

export interface Interactive {
  readonly command?: readonly [string, ...string[]] | undefined;
  /** One that runs. */
  readonly terminal?: string | undefined;
}

/**
 * Gives a person's terminal to a shell or a command in the session's container, until it ends or the person leaves.
 *
 * @returns the exit code
 */
export async function interactive(cli: Cli, session: Session, { command, terminal: id }: Interactive): Promise<number> {
  const { stdin, stdout, env } = cli;
  let restore: ReturnType<typeof enterRawMode> | null = null;
  const said = notes(cli);
  const terminal = session.terminal({
    command,
    terminal: id,
    tty: true,
    cols: stdout.columns,
    rows: stdout.rows,
    term: env['TERM'],
    signal: cli.signal,
    ...said,
    // Until then, Ctrl-C ends the waiting.
    onReady: () => {
      restore ??= enterRawMode(cli);
    },
    onReconnect: (reconnect) => {
      // In raw mode a line's end alone does not go to its beginning.
      said.onReconnect?.({ ...reconnect });
      if (reconnect.attempt === 1) stdout.write('\r');
    },
  });
  const resize = () => terminal.resize(stdout.columns, stdout.rows);
  const keys = new EscapeKeys();
  const typed = (bytes: Buffer) => {
    const { bytes: input, action } = keys.take(bytes);
    void terminal.write(input);
    if (action === 'help') stdout.write(HELP);
    else if (action === 'leave') terminal.leave();
  };
  stdout.on('resize', resize);
  stdin.on('data', typed);
  // The terminal is gone.
  const gone = () => terminal.leave();
  stdin.on('end', gone);
  try {
    await show(cli, terminal);
    return exitCodeOf(await terminal.exited);
  } catch (error) {
    if (!(error instanceof CcDockerError) || error.code !== 'left') throw error;
    giveBack();
    cli.err.line(left(session, terminal), 'dim');
    return 0;
  } finally {
    giveBack();
    stdout.off('resize', resize);
    stdin.off('data', typed);
    stdin.off('end', gone);
    stdin.pause();
  }

  function giveBack() {
    restore?.();
    restore = null;
  }
}

const left = (session: Session, terminal: SessionTerminal) =>
  `left the terminal, which goes on for a while: cc-docker shell ${shortId(session.id)} --terminal ${terminal.id}`;
