import type { SessionTree } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { findSession, LAST } from '../../names/find-session.ts';
import { shortId } from '../../names/short-id.ts';
import { dollars } from '../../output/quantities.ts';
import { statusStyle } from '../../output/status-style.ts';
import { printable, type Terminal } from '../../output/terminal.ts';
import { shorten } from '../../output/table.ts';
import { SESSION } from './end.ts';

/** `cc-docker tree`. */
export function tree(cli: Cli) {
  return verb('tree', 'a session with all below it: status, cost and budget of each')
    .argument('[session]', SESSION, LAST)
    .action(async (name, options) => {
      await withService(cli, options, async ({ cc }) => {
        const found = await cc.session(await findSession(cc, name)).tree();
        if (options.json === true) return printJson(cli, found);
        for (const line of treeLines(found, cli.out, cli.stdout.isTTY ? cli.stdout.columns : undefined))
          cli.out.line(line);
      });
    });
}

type Node = SessionTree['nodes'][number];

/** The lines that draw a tree. @param width of the terminal; undefined: none, and nothing is shortened */
export function treeLines(
  { session_id: root, nodes }: SessionTree,
  terminal: Pick<Terminal, 'style'>,
  width: number | undefined,
): string[] {
  const byId = new Map(nodes.map((node) => [node.session_id, node]));
  const lines: string[] = [];
  const draw = (id: string, first: string, rest: string) => {
    const node = byId.get(id);
    if (node === undefined) return;
    lines.push(first + lineOf(node, terminal, width === undefined ? undefined : width - first.length));
    const children = node.child_session_ids.filter((child) => byId.has(child));
    children.forEach((child, index) => {
      const isLast = index === children.length - 1;
      draw(child, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`);
    });
  };
  draw(root, '', '');
  return lines;
}

function lineOf(node: Node, terminal: Pick<Terminal, 'style'>, width: number | undefined): string {
  const { session_id, status, title, tree_cost_usd, budget_usd, open_interactions } = node;
  const budget = budget_usd === null ? '' : ` of ${dollars(budget_usd)}`;
  const waits = open_interactions === 0 ? '' : `  ? ${open_interactions}`;
  const head = `${shortId(session_id)}  `;
  const tail = `  ${dollars(tree_cost_usd)}${budget}${waits}${title === null ? '' : `  ${printable(title).replaceAll(/\s+/g, ' ')}`}`;
  const room = width === undefined ? Infinity : width - head.length - status.length;
  return head + statusStyle(terminal, status) + (room === Infinity ? tail : shorten(tail, room));
}
