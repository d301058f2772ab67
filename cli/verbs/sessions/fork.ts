import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { findSession } from '../../names/find-session.ts';
import { SESSION } from './end.ts';

/** `cc-docker fork`. */
export function fork(cli: Cli) {
  return verb('fork', 'begin a session with the same files and conversation; prints its id')
    .argument('<session>', SESSION)
    .option('--title <text>', 'what it is for')
    .action(async (name, options) => {
      await withService(cli, options, async ({ cc }) => {
        const forked = await cc.session(await findSession(cc, name)).fork();
        if (options.title !== undefined) await forked.change({ title: options.title });
        if (options.json === true) printJson(cli, await forked.show());
        else cli.out.line(forked.id);
      });
    });
}
