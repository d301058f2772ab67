import { isPreview } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { findSession, LAST } from '../../names/find-session.ts';
import { StreamPrinter } from '../../output/stream-printer.ts';
import { SESSION } from '../sessions/end.ts';
import { noteReconnect } from '../../output/note-reconnect.ts';
import { numberOf } from './number-of.ts';

/** `cc-docker logs`. */
export function logs(cli: Cli) {
  return verb('logs', 'what a session has said and done')
    .argument('[session]', SESSION, LAST)
    .option('-f, --follow', 'and what comes from now on, for ever')
    .option('--after <seq>', 'only what comes after this event', numberOf('--after'))
    .option('-n, --tail <number>', 'only the last so many events', numberOf('--tail'))
    .action(async (name, options) => {
      await withService(cli, options, async ({ cc }) => {
        const session = cc.session(await findSession(cc, name));
        const { last_seq: last } = await session.show();
        const after = options.after ?? (options.tail === undefined ? 0 : Math.max(0, last - options.tail));
        const follows = options.follow === true;
        if (!follows && after >= last) return;
        const printer = new StreamPrinter(cli.out);
        const previews = follows && cli.stdout.isTTY && options.json !== true;
        const onReconnect = noteReconnect(cli.err);
        try {
          for await (const event of session.events({ after, signal: cli.signal, previews: true, onReconnect })) {
            if (isPreview(event) && !previews) continue;
            if (options.json === true) printJson(cli, event);
            else printer.show(event);
            const at = event.type === 'session.gap' ? event.data.to : (event.seq ?? 0);
            if (!follows && at >= last) break;
          }
        } finally {
          printer.endLine();
        }
      });
    });
}
