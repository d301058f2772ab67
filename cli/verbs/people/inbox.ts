import { all, type FeedEvent, type WaitingInteraction } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { watch, type Overview } from '../../live/watch.ts';
import { shortId } from '../../names/short-id.ts';
import { duration } from '../../output/quantities.ts';
import { subjectLine } from '../../output/summary.ts';
import { oneLine, shorten, table, type Column } from '../../output/table.ts';

const NOTHING = 'nothing waits for you';
const HINT = '`cc-docker answer ID …`, or `cc-docker approve ID`, or `cc-docker deny ID`';

/** `cc-docker inbox`. */
export function inbox(cli: Cli) {
  return verb('inbox', 'the questions and permissions that wait for you, in all sessions')
    .option('-w, --watch', 'and what comes from now on, for ever')
    .action(async (options) => {
      await withService(cli, options, async ({ cc }) => {
        const json = options.json === true;
        if (options.watch === true) return await watch(cli, cc, json, { shows, lines: linesOf(cli), line });
        const waiting = await all(cc.interactions());
        if (json) return printJson(cli, waiting);
        if (waiting.length === 0) return cli.err.line(NOTHING, 'dim');
        const [head = '', ...rows] = table(columns(cli), waiting, cli.stdout.isTTY ? cli.stdout.columns : undefined);
        cli.out.line(head, 'dim');
        for (const row of rows) cli.out.line(row);
        cli.err.line(cli.stderr.isTTY ? shorten(HINT, cli.stderr.columns) : HINT, 'dim');
      });
    });
}

function columns({ out }: Cli): Column<WaitingInteraction>[] {
  const now = Date.now();
  return [
    { title: 'ID', value: ({ interaction_id: id }) => shortId(id) },
    { title: 'SESSION', value: ({ session_id: id }) => shortId(id), leftOut: 2 },
    { title: 'TITLE', value: ({ session }) => session.title ?? '', shrinksTo: 6, leftOut: 3 },
    { title: 'LEFT', value: ({ deadline }) => duration(Date.parse(deadline) - now), align: 'right', leftOut: 1 },
    {
      title: 'ASKS',
      value: ({ subject }) => subjectLine(subject),
      shrinksTo: 12,
      style: (text) => out.style('yellow', text),
    },
  ];
}

const shows = ({ type }: FeedEvent) => type.startsWith('interaction.');

function linesOf(cli: Cli) {
  return ({ sessions, waiting }: Overview, width: number): string[] => {
    if (waiting.size === 0) return [cli.out.style('dim', NOTHING)];
    const rows = [...waiting.values()]
      // The title that the session has now.
      .map((one) => ({ ...one, session: sessions.get(one.session_id) ?? one.session }))
      .toSorted((a, b) => a.created_at.localeCompare(b.created_at));
    const [head = '', ...lines] = table(columns(cli), rows, width);
    return [cli.out.style('dim', head), ...lines];
  };
}

/** In a pipe: what begins to wait, and what waits no more. */
function line(event: FeedEvent): string | null {
  if (event.type === 'interaction.closed') return `${shortId(event.data.interaction_id)}  closed`;
  if (event.type !== 'interaction.opened') return null;
  const { interaction_id, session_id, subject } = event.data;
  return `${shortId(interaction_id)}  ${shortId(session_id)}  ${oneLine(subjectLine(subject))}`;
}
