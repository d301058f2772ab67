import { CcDockerError, type Session } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { isInteractive, type Cli } from '../../lib/cli.ts';
import { Misused } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { findSession } from '../../names/find-session.ts';
import { SESSION } from '../sessions/end.ts';
import { interactive } from './interactive.ts';
import { exitCodeOf, notes, show, withOwnExitCode } from './run-terminal.ts';

/** `cc-docker exec`. */
export function exec(cli: Cli) {
  return verb('exec', 'run a command in a session’s container: with what comes on stdin, and its exit code')
    .argument('<session>', SESSION)
    .argument('<command...>', 'a command and its arguments, which no shell reads')
    .option('-t, --tty', 'in a terminal, as full-screen programs need it')
    .option('-n, --no-stdin', 'without what comes on stdin')
    .passThroughOptions()
    .action(async (name, words, { tty, stdin: takesStdin, ...options }) => {
      // Where options end: all after the session belongs to the command anyway.
      const [file, ...args] = words[0] === '--' ? words.slice(1) : words;
      if (file === undefined) throw new Misused('There is no command to run');
      if (tty === true && !isInteractive(cli)) throw new Misused('--tty needs a terminal', 'Leave it out in a pipe.');
      const command = [file, ...args] as const;
      try {
        process.exitCode = await withService(cli, options, async ({ cc }) => {
          const session = cc.session(await findSession(cc, name));
          // A terminal waits for ever for a service that is not there. So this asks whether it is.
          await session.show();
          const running =
            tty === true ? interactive(cli, session, { command }) : piped(cli, session, command, takesStdin);
          return await running.catch((error: unknown) => {
            throw withOwnExitCode(error);
          });
        });
      } catch (error) {
        throw withOwnExitCode(error);
      }
    });
}

/** Between pipes. @returns the exit code */
async function piped(
  cli: Cli,
  session: Session,
  command: readonly [string, ...string[]],
  takesStdin: boolean,
): Promise<number> {
  const terminal = session.terminal({ command, tty: false, signal: cli.signal, ...notes(cli) });
  let interrupts = 0;
  // The command ends by it, or does what it likes; the second one ends the waiting.
  const release = cli.onInterrupt(() => {
    interrupts += 1;
    if (interrupts === 1) terminal.kill('INT');
    else terminal.leave();
  }, 2);
  const feed = async () => {
    if (takesStdin) for await (const chunk of cli.stdin) await terminal.write(chunk as Buffer);
    terminal.end();
  };
  const feeding = feed();
  // It is heard of where the output is read, unless stdin itself broke.
  feeding.catch(() => terminal.leave());
  try {
    await show(cli, terminal);
    return exitCodeOf(await terminal.exited);
  } catch (error) {
    if (error instanceof CcDockerError && error.code === 'left') return INTERRUPTED;
    throw error;
  } finally {
    release();
  }
}

const INTERRUPTED = 130;
