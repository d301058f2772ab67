import type { Session } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { isInteractive, printJson, type Cli } from '../../lib/cli.ts';
import { ExitCode, Interrupted } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { findSession } from '../../names/find-session.ts';
import { promptText } from '../../names/prompt-text.ts';
import { SESSION } from '../sessions/end.ts';
import { showMessage } from './show-message.ts';
import { exitCodeOf } from './outcome.ts';
import { eachOf, permissionModeOption, sessionRequest, usdOf } from './run-config.ts';

/** `cc-docker run`. */
export function run(cli: Cli) {
  return verb('run', 'run a prompt and print what the agent does; the exit code says how it ended')
    .argument('[prompt...]', 'what to do; `-` stands for what comes on stdin')
    .option('-s, --session <session>', `in this session, in place of a new one: ${SESSION}`)
    .option('-m, --model <name>', 'opus-4, sonnet-4, haiku-4, or any name that Claude Code takes')
    .option('--title <text>', 'what the session is for')
    .addOption(permissionModeOption())
    .option('--allow <tool...>', 'tools that the agent may use without asking; all others are denied, or asked for')
    .option('--network <host...>', 'hosts that the container may reach')
    .option('--environment <name>', 'start from this environment: `cc-docker env ls`')
    .option(
      '--git <url>',
      'clone this repository; a branch follows after #; again for more, in folders of their own',
      eachOf,
    )
    .option('--workspace <name>', 'work in the workspace of this name, which stays')
    .option('--budget <usd>', 'what it may cost with all below it', usdOf)
    .option('--config <file>', 'JSON with any of the API’s settings of a session')
    .option('-d, --detach', 'do not wait: print the session’s id')
    .option('-q, --quiet', 'print only the answer, at the end')
    .option('--rm', 'remove the session at the end')
    .action(async (words, options) => {
      const prompt = await promptText(cli, words);
      process.exitCode = await withService(cli, options, async ({ cc }) => {
        const session =
          options.session === undefined
            ? await cc.sessions.create(sessionRequest(options))
            : cc.session(await findSession(cc, options.session));
        if (options.title !== undefined) await session.change({ title: options.title });
        if (options.detach === true) return await detached(cli, session, prompt, options.json === true);
        try {
          const view = await showMessage(cli, session, prompt, {
            isNew: options.session === undefined,
            json: options.json === true,
            quiet: options.quiet === true,
            asks: options.json !== true && options.quiet !== true && isInteractive(cli),
          });
          return exitCodeOf(view);
        } catch (error) {
          if (error instanceof Interrupted) return error.exitCode;
          throw error;
        } finally {
          if (options.rm === true) await session.remove({ signal: AbortSignal.timeout(REMOVE_MS) });
        }
      });
    });
}

/** Longest time for a session to be removed in the end, milliseconds. */
const REMOVE_MS = 30_000;

async function detached(cli: Cli, session: Session, prompt: string, json: boolean): Promise<number> {
  const { messageId } = await session.send(prompt);
  if (json) printJson(cli, { session_id: session.id, message_id: messageId });
  else cli.out.line(session.id);
  return ExitCode.done;
}
