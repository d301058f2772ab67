import { Option } from '@commander-js/extra-typings';
import type { FeedSession, SessionStatus, SessionSummary } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { Misused } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { watch, type Watched } from '../../live/watch.ts';
import { shortId } from '../../names/short-id.ts';
import { ago, dollars } from '../../output/quantities.ts';
import { statusStyle } from '../../output/status-style.ts';
import { oneLine, table, type Column } from '../../output/table.ts';

const STATUSES = ['queued', 'starting', 'idle', 'running', 'stopped', 'failed'] as const satisfies SessionStatus[];

/** `cc-docker ls`. */
export function ls(cli: Cli) {
  return verb('ls', 'your sessions, the newest first')
    .alias('list')
    .addOption(new Option('--status <status>', 'only those in this state').choices(STATUSES))
    .option('-n, --limit <number>', 'at most so many', countOf, 50)
    .option('-q, --quiet', 'only their ids, whole')
    .option('-w, --watch', 'and each change from now on, for ever')
    .action(async (options) => {
      const { limit, status } = options;
      if (options.watch === true && options.quiet === true) throw new Misused('--watch and --quiet do not go together');
      await withService(cli, options, async ({ cc }) => {
        if (options.watch === true) {
          const isShown = (session: Pick<SessionSummary, 'status'>) =>
            status === undefined || session.status === status;
          return await watch(cli, cc, options.json === true, watchedSessions(cli, limit, isShown));
        }
        const sessions: SessionSummary[] = [];
        let more = false;
        for await (const session of cc.sessions.list({ limit: Math.min(200, limit + 1), ...(status && { status }) })) {
          more = sessions.length === limit;
          if (more) break;
          sessions.push(session);
        }
        if (options.json === true) return printJson(cli, sessions);
        if (options.quiet === true) return sessions.forEach(({ session_id: id }) => cli.out.line(id));
        if (sessions.length === 0) return cli.err.line('no sessions: `cc-docker run "PROMPT"` begins one', 'dim');
        const [head = '', ...rows] = table(columns(cli), sessions, cli.stdout.isTTY ? cli.stdout.columns : undefined);
        cli.out.line(head, 'dim');
        for (const row of rows) cli.out.line(row);
        if (more) cli.err.line(`there are more: --limit ${limit * 2}`, 'dim');
      });
    });
}

/** What `--watch` shows. */
function watchedSessions(cli: Cli, limit: number, isShown: (session: FeedSession) => boolean): Watched {
  return {
    shows: (event) => event.type.startsWith('session.') && (event.type !== 'session.changed' || isShown(event.data)),
    lines: ({ sessions }, width) => {
      const newest = [...sessions.values()].filter(isShown).toSorted((a, b) => (a.session_id < b.session_id ? 1 : -1));
      const [head = '', ...lines] = table(columns(cli), newest.slice(0, limit), width);
      return [cli.out.style('dim', head), ...lines];
    },
    line: (event) => {
      if (event.type === 'session.removed') return `${shortId(event.data.session_id)}  removed`;
      if (event.type !== 'session.changed') return null;
      const { session_id, status, total_cost_usd, title } = event.data;
      return `${shortId(session_id)}  ${status}  ${dollars(total_cost_usd)}  ${oneLine(title ?? '')}`.trimEnd();
    },
  };
}

function columns({ out }: Cli): Column<FeedSession>[] {
  const now = Date.now();
  return [
    { title: 'ID', value: ({ session_id: id }) => shortId(id) },
    { title: 'STATUS', value: ({ status }) => status, style: (text, { status }) => statusStyle(out, status, text) },
    { title: 'ACTIVE', value: ({ last_activity: at }) => ago(at, now), align: 'right', leftOut: 1 },
    { title: 'TURNS', value: ({ total_turns: turns }) => String(turns), align: 'right', leftOut: 3 },
    { title: 'COST', value: ({ total_cost_usd: cost }) => dollars(cost), align: 'right', leftOut: 2 },
    {
      title: 'WAITS',
      value: ({ open_interactions: open }) => (open === 0 ? '' : String(open)),
      align: 'right',
      leftOut: 4,
      style: (text) => out.style('yellow', text),
    },
    {
      title: 'TITLE',
      value: ({ title, reason }) => title ?? (reason === null ? '' : reason.detail),
      shrinksTo: 8,
      leftOut: 5,
    },
  ];
}

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new Misused('--limit must be a whole number of at least 1');
}
