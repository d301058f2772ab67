import { unwrap, type Environment } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { ago } from '../../output/quantities.ts';
import { firstLine } from '../../output/summary.ts';
import { table, type Column } from '../../output/table.ts';
import { buildStyle } from './builds.ts';

/** `cc-docker env ls`. */
export function listEnvironments(cli: Cli) {
  return verb('ls', 'yours, and those that the operator shares')
    .alias('list')
    .action(async (options) => {
      await withService(cli, options, async ({ cc }) => {
        const { data } = await unwrap(cc.api.GET('/api/v1/environments'));
        if (options.json === true) return printJson(cli, data);
        if (data.length === 0) return cli.err.line('none: `cc-docker env set NAME FILE.json` makes one', 'dim');
        const [head = '', ...rows] = table(columns(cli), data, cli.stdout.isTTY ? cli.stdout.columns : undefined);
        cli.out.line(head, 'dim');
        for (const row of rows) cli.out.line(row);
      });
    });
}

/** `cc-docker env show`. What it prints, `env set` takes. */
export function showEnvironment(cli: Cli) {
  return verb('show', 'print one as JSON, as `env set` takes it')
    .argument('<environment>')
    .action(async (name, options) => {
      await withService(cli, options, async ({ cc }) => {
        const view = await unwrap(cc.api.GET('/api/v1/environments/{name}', { params: { path: { name } } }));
        if (options.json === true) return printJson(cli, view);
        const { name: _, shared, revision, created_at: __, updated_at: ___, last_build: ____, ...content } = view;
        cli.err.line(`${shared ? 'the operator’s' : 'yours'}, revision ${revision}`, 'dim');
        cli.out.line(JSON.stringify(content, null, 2));
      });
    });
}

/** `cc-docker env rm`. */
export function removeEnvironments(cli: Cli) {
  return verb('rm', 'remove some; sessions that were created from them go on as they are')
    .argument('<environment...>')
    .action(async (names, options) => {
      await withService(cli, options, async ({ cc }) => {
        for (const name of names) {
          const params = { path: { name } };
          // oxlint-disable-next-line no-await-in-loop -- what fails says which are left
          await unwrap(cc.api.DELETE('/api/v1/environments/{name}', { params }));
          if (options.json === true) printJson(cli, { name });
          else cli.out.line(name);
        }
      });
    });
}

function columns(cli: Cli): Column<Environment>[] {
  const now = Date.now();
  return [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'OF', value: ({ shared }) => (shared ? 'shared' : 'you') },
    { title: 'IMAGE', value: ({ image }) => image ?? '', shrinksTo: 8, leftOut: 2 },
    {
      title: 'BUILD',
      value: ({ last_build: build }) => build?.state ?? '',
      style: (text, { last_build: build }) => buildStyle(cli, build?.state, text),
    },
    { title: 'CHANGED', value: ({ updated_at: at }) => (at === null ? '' : ago(at, now)), align: 'right', leftOut: 1 },
    { title: 'SETUP', value: ({ setup }) => firstLine(setup ?? ''), shrinksTo: 8, leftOut: 3 },
  ];
}
