import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { openInteractions, type Waiting } from '../../names/find-interaction.ts';
import { shortId } from '../../names/short-id.ts';
import { duration } from '../../output/quantities.ts';
import { subjectLine } from '../../output/summary.ts';
import { table, type Column } from '../../output/table.ts';

/** `cc-docker inbox`. */
export function inbox(cli: Cli) {
  return verb('inbox', 'the questions and permissions that wait for you, in all sessions').action(async (options) => {
    await withService(cli, options, async ({ cc }) => {
      const waiting = await openInteractions(cc);
      if (options.json === true)
        return printJson(
          cli,
          waiting.map(({ interaction }) => interaction),
        );
      if (waiting.length === 0) return cli.err.line('nothing waits for you', 'dim');
      const [head = '', ...rows] = table(columns(cli), waiting, cli.stdout.isTTY ? cli.stdout.columns : undefined);
      cli.out.line(head, 'dim');
      for (const row of rows) cli.out.line(row);
      cli.err.line('`cc-docker answer ID …`, or `cc-docker approve ID`, or `cc-docker deny ID`', 'dim');
    });
  });
}

function columns({ out }: Cli): Column<Waiting>[] {
  const now = Date.now();
  return [
    { title: 'ID', value: ({ interaction }) => shortId(interaction.interaction_id) },
    { title: 'SESSION', value: ({ interaction }) => shortId(interaction.session_id), leftOut: 2 },
    { title: 'TITLE', value: ({ title }) => title ?? '', shrinksTo: 6, leftOut: 3 },
    {
      title: 'LEFT',
      value: ({ interaction }) => duration(Date.parse(interaction.deadline) - now),
      align: 'right',
      leftOut: 1,
    },
    {
      title: 'ASKS',
      value: ({ interaction }) => subjectLine(interaction.subject),
      shrinksTo: 12,
      style: (text) => out.style('yellow', text),
    },
  ];
}
