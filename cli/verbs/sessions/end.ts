import type { SessionView } from '../../../client/main.ts';
import type { Cli } from '../../lib/cli.ts';
import { Failure } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { shortId } from '../../names/short-id.ts';
import { withEach } from './several.ts';

/** `cc-docker interrupt`. */
export function interrupt(cli: Cli) {
  return verb('interrupt', 'end the turn that runs; the session takes the next message')
    .argument('<session...>', SESSION)
    .option('--background', 'and what runs in the background')
    .action(async (names, options) => {
      await withEach(cli, names, options, async (session) => {
        const answer = await session.interrupt({ background: options.background === true });
        if (!answer.interrupted) cli.err.line(`${shortId(session.id)}: nothing ran`, 'dim');
        return { session_id: session.id, ...answer };
      });
    });
}

/** `cc-docker stop`. */
export function stop(cli: Cli) {
  return verb('stop', 'park sessions: the container goes, files and conversation stay; a message wakes it')
    .argument('<session...>', SESSION)
    .action(async (names, options) => {
      await withEach(cli, names, options, async (session) => await session.stop());
    });
}

/** `cc-docker rm`. */
export function rm(cli: Cli) {
  return verb('rm', 'remove sessions with all that they stored')
    .argument('<session...>', SESSION)
    .option('-f, --force', 'also one that is at work')
    .action(async (names, options) => {
      await withEach(cli, names, options, async (session) => {
        if (options.force !== true && isAtWork(await session.show())) {
          throw new Failure(
            `${shortId(session.id)} is at work`,
            'Stop it first (`cc-docker stop`), or remove it with --force.',
          );
        }
        await session.remove();
        return { session_id: session.id };
      });
    });
}

/** Whether something is lost when it is removed now: a message that waits or runs, or what runs in the background. */
const isAtWork = ({ status, queued_messages, background_tasks }: SessionView) =>
  ['queued', 'starting', 'running'].includes(status) || queued_messages > 0 || background_tasks.length > 0;

/** What names a session, for `--help`. */
export const SESSION = 'id, the end of it, title, or `last`';
