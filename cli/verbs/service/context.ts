import { Command } from '@commander-js/extra-typings';
import { printJson, type Cli } from '../../lib/cli.ts';
import { Failure } from '../../lib/failure.ts';
import { readContexts, writeContexts } from '../../context/contexts.ts';
import { table } from '../../output/table.ts';

/** `cc-docker context`. */
export function context(cli: Cli) {
  return new Command('context')
    .description('the services that you are logged in to')
    .addCommand(list(cli), { isDefault: true })
    .addCommand(use(cli))
    .addCommand(remove(cli));
}

const list = (cli: Cli) =>
  new Command('ls')
    .description('all of them; `*` is the one that is used when none is named')
    .option('--json', 'print JSON')
    .action(({ json }) => {
      const { current, contexts } = readContexts(cli.env);
      const rows = Object.entries(contexts).map(([name, { url, sub, expires_at }]) => ({ name, url, sub, expires_at }));
      if (json === true) return printJson(cli, { current, contexts: rows });
      if (rows.length === 0) return cli.err.line('none: `cc-docker login URL` makes one', 'dim');
      const columns = [
        { title: '', value: ({ name }: (typeof rows)[number]) => (name === current ? '*' : '') },
        { title: 'NAME', value: ({ name }: (typeof rows)[number]) => name },
        { title: 'URL', value: ({ url }: (typeof rows)[number]) => url, shrinksTo: 10 },
        { title: 'AS', value: ({ sub }: (typeof rows)[number]) => sub ?? '', leftOut: 1 },
        { title: 'UNTIL', value: ({ expires_at: at }: (typeof rows)[number]) => at?.slice(0, 10) ?? '', leftOut: 2 },
      ];
      for (const line of table(columns, rows, cli.stdout.isTTY ? cli.stdout.columns : undefined)) cli.out.line(line);
    });

const use = (cli: Cli) =>
  new Command('use')
    .description('use this one when none is named')
    .argument('<context>')
    .action((name) => {
      const { contexts } = readContexts(cli.env);
      known(contexts, name);
      writeContexts(cli.env, { current: name, contexts });
      cli.out.line(name);
    });

const remove = (cli: Cli) =>
  new Command('rm')
    .description('forget one, with its token')
    .argument('<context>')
    .action((name) => {
      const { current, contexts } = readContexts(cli.env);
      known(contexts, name);
      const { [name]: _removed, ...rest } = contexts;
      writeContexts(cli.env, { current: current === name ? null : current, contexts: rest });
      cli.out.line(name);
    });

function known(contexts: object, name: string): void {
  if (!Object.hasOwn(contexts, name)) {
    throw new Failure(`There is no context ${name}`, '`cc-docker context ls` lists them.');
  }
}
