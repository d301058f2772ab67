import { once } from 'node:events';
import { constants } from 'node:os';
import { CcDockerError, type SessionTerminal, type TerminalExit, type TerminalOptions } from '../../../client/main.ts';
import type { Cli } from '../../lib/cli.ts';
import { Failure } from '../../lib/failure.ts';
import { noteReconnect } from '../../output/note-reconnect.ts';

/** What the command ends with when the shell or the command does not say: as `ssh` does. */
export const NO_EXIT_CODE = 255;

/** The exit code that says how it ended: a shell says 128 and the signal's number. */
export function exitCodeOf({ code, signal }: TerminalExit): number {
  if (code !== null) return code;
  const number = (constants.signals as Readonly<Record<string, number>>)[`SIG${signal}`];
  return number === undefined ? NO_EXIT_CODE : 128 + number;
}

/** Writes its output where it belongs, no faster than that takes it, until it ends. */
export async function show({ stdout, stderr, err }: Cli, terminal: SessionTerminal): Promise<void> {
  for await (const { stream, bytes } of terminal.output) {
    if (stream === 'gap') err.line(`\r\n[${bytes} bytes of output are gone: nobody watched]\r`, 'yellow');
    else {
      const to = stream === 'error' ? stderr : stdout;
      if (!to.write(bytes)) await once(to, 'drain');
    }
  }
}

/** Options that say how it goes, until it is there. */
export function notes(cli: Cli): Pick<TerminalOptions, 'onWaiting' | 'onReconnect'> {
  let said = false;
  return {
    onWaiting: ({ status, detail }) => {
      if (said && detail === null) return;
      said = true;
      cli.err.line(
        `the session’s container is being started (${status})${detail === null ? '' : `: ${detail}`}`,
        'dim',
      );
    },
    onReconnect: noteReconnect(cli.err),
  };
}

/** What a person can do about what the service says of terminals. */
const REMEDIES: Readonly<Record<string, { readonly what?: string; readonly remedy: string }>> = {
  replaced: { what: 'Another viewer has this terminal now', remedy: '' },
  terminal_off: { what: 'This service opens no terminals', remedy: 'Its operator turns them on with TERMINAL=1.' },
  terminal_not_found: { what: 'The terminal has ended with its container', remedy: '`cc-docker shell` opens another.' },
  container_outdated: { remedy: 'The session’s next container has it: `cc-docker stop` ends this one.' },
};

/** A failure of a verb whose exit code is otherwise a command's: it has one that commands seldom have. */
export function withOwnExitCode(error: unknown): unknown {
  if (error instanceof CcDockerError && Object.hasOwn(REMEDIES, error.code)) {
    const { what = error.detail, remedy } = REMEDIES[error.code] ?? { remedy: '' };
    return new Failure(what, remedy, { code: error.code, exitCode: NO_EXIT_CODE });
  }
  if (!(error instanceof Failure) || error.code === 'usage') return error;
  return new Failure(error.message, error.remedy, { code: error.code, exitCode: NO_EXIT_CODE });
}
