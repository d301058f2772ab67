import type { FileChange } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { findSession, LAST } from '../../names/find-session.ts';
import { printable, type Terminal } from '../../output/terminal.ts';
import { SESSION } from '../sessions/end.ts';

/** `cc-docker diff`. */
export function diff(cli: Cli) {
  return verb('diff', 'what the agent has changed since the session’s start, as a patch for `git apply`')
    .argument('[session]', SESSION, LAST)
    .option('--stat', 'only which files')
    .action(async (name, options) => {
      await withService(cli, options, async ({ cc }) => {
        const { files } = cc.session(await findSession(cc, name));
        if (options.json === true) return printJson(cli, await files.diff());
        if (options.stat === true) {
          for (const change of await files.diff()) cli.out.line(changeLine(change, cli.out));
          return;
        }
        const patch = await files.patch();
        cli.out.write(cli.stdout.isTTY ? coloured(patch, cli.out) : patch);
      });
    });
}

const SIGNS = { added: ['A', 'green'], modified: ['M', 'yellow'], deleted: ['D', 'red'] } as const;

function changeLine({ path, change }: FileChange, { style }: Terminal): string {
  const [sign, format] = SIGNS[change];
  return `${style(format, sign)} ${printable(path)}`;
}

/** A patch as a terminal shows it: in colours, and without what would do something to the terminal. */
export function coloured(patch: string, { style }: Pick<Terminal, 'style'>): string {
  return printable(patch)
    .split('\n')
    .map((line) => {
      if (/^(diff |index |--- |\+\+\+ )/.test(line)) return style('bold', line);
      if (line.startsWith('@@')) return style('cyan', line);
      if (line.startsWith('+')) return style('green', line);
      return line.startsWith('-') ? style('red', line) : line;
    })
    .join('\n');
}
