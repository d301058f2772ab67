import { unwrap, type CcDocker, type EnvironmentBuild } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { Failure } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { shortId } from '../../names/short-id.ts';
import { ago, bytes, duration } from '../../output/quantities.ts';
import { table, type Column } from '../../output/table.ts';
import { printable } from '../../output/terminal.ts';

/** `cc-docker env builds`. */
export function listBuilds(cli: Cli) {
  return verb('builds', 'the builds of one that your sessions waited for, the newest first')
    .argument('<environment>')
    .action(async (name, options) => {
      await withService(cli, options, async ({ cc }) => {
        const builds = await buildsOf(cc, name);
        if (options.json === true) return printJson(cli, builds);
        if (builds.length === 0) return cli.err.line(`none: \`cc-docker env build ${name}\` makes one`, 'dim');
        const [head = '', ...rows] = table(columns(cli), builds, cli.stdout.isTTY ? cli.stdout.columns : undefined);
        cli.out.line(head, 'dim');
        for (const row of rows) cli.out.line(row);
      });
    });
}

/** `cc-docker env log`. */
export function buildLog(cli: Cli) {
  return verb('log', 'what a build wrote')
    .argument('<environment>')
    .argument('[build]', 'its id, or the end of it; without it, the newest')
    .action(async (name, wanted, options) => {
      await withService(cli, options, async ({ cc }) => {
        const builds = await buildsOf(cc, name);
        const found =
          wanted === undefined ? builds.slice(0, 1) : builds.filter(({ build_id: id }) => id.endsWith(wanted));
        const [build, other] = found;
        const remedy = `\`cc-docker env builds ${name}\` lists them.`;
        if (build === undefined)
          throw new Failure(`There is no such build of ${name}`, remedy, { code: 'build_not_found' });
        if (other !== undefined) throw new Failure(`Several builds of ${name} end with ${wanted ?? ''}`, remedy);
        const path = { name, build_id: build.build_id };
        const view = await unwrap(cc.api.GET('/api/v1/environments/{name}/builds/{build_id}', { params: { path } }));
        if (options.json === true) return printJson(cli, view);
        cli.out.write(printable(view.log));
        if (view.log !== '' && !view.log.endsWith('\n')) cli.out.write('\n');
        if (view.reason !== null) cli.err.line(`✗ ${view.reason.detail} (${view.reason.code})`, 'red');
      });
    });
}

async function buildsOf(cc: CcDocker, name: string): Promise<EnvironmentBuild[]> {
  const params = { path: { name }, query: { limit: 100 } };
  return (await unwrap(cc.api.GET('/api/v1/environments/{name}/builds', { params }))).data;
}

function columns(cli: Cli): Column<EnvironmentBuild>[] {
  const now = Date.now();
  return [
    { title: 'ID', value: ({ build_id: id }) => shortId(id) },
    { title: 'STATE', value: ({ state }) => state, style: (text, { state }) => buildStyle(cli, state, text) },
    { title: 'BEGAN', value: ({ started_at: at }) => ago(at, now), align: 'right' },
    {
      title: 'TOOK',
      value: ({ started_at: from, finished_at: to }) =>
        to === null ? '' : duration(Date.parse(to) - Date.parse(from)),
      align: 'right',
      leftOut: 2,
    },
    {
      title: 'IMAGE',
      value: ({ image_bytes: size }) => (size === null ? '' : bytes(size)),
      align: 'right',
      leftOut: 3,
    },
    { title: 'RUNNER', value: ({ runner }) => runner ?? '', leftOut: 4 },
    { title: '', value: ({ reason }) => reason?.detail ?? '', shrinksTo: 8, leftOut: 1 },
  ];
}

export function buildStyle({ out }: Cli, state: EnvironmentBuild['state'] | undefined, text: string): string {
  if (state === undefined) return text;
  return out.style(state === 'failed' ? 'red' : state === 'ready' ? 'green' : 'yellow', text);
}
