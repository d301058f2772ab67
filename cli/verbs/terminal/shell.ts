import { withService } from '../../context/connect.ts';
import { isInteractive, type Cli } from '../../lib/cli.ts';
import { Failure } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { findSession, LAST } from '../../names/find-session.ts';
import { SESSION } from '../sessions/end.ts';
import { interactive } from './interactive.ts';
import { NO_EXIT_CODE, withOwnExitCode } from './run-terminal.ts';

/** `cc-docker shell`. */
export function shell(cli: Cli) {
  return verb('shell', 'a shell in a session’s container, beside the agent; ~. at the beginning of a line leaves')
    .argument('[session]', SESSION, LAST)
    .option('--terminal <id>', 'one that you left, in place of a new one')
    .action(async (name, { terminal, ...options }) => {
      if (!isInteractive(cli))
        throw new Failure('A shell needs a terminal', 'For a pipe there is `cc-docker exec SESSION -- COMMAND`.', {
          code: 'no_terminal',
          exitCode: NO_EXIT_CODE,
        });
      try {
        process.exitCode = await withService(cli, options, async ({ cc }) => {
          const session = cc.session(await findSession(cc, name));
          await session.show();
          return await interactive(cli, session, { terminal }).catch((error: unknown) => {
            throw withOwnExitCode(error);
          });
        });
      } catch (error) {
        throw withOwnExitCode(error);
      }
    });
}
