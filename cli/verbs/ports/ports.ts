import type { PortList, Session, SharedPort } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { Misused } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { findSession, LAST } from '../../names/find-session.ts';
import { duration } from '../../output/quantities.ts';
import { table, type Column } from '../../output/table.ts';
import { secondsOf } from '../service/token.ts';
import { SESSION } from '../sessions/end.ts';

interface ShareOptions {
  readonly label?: string | undefined;
  readonly ttl?: number | undefined;
  readonly rm?: true | undefined;
}

/** `cc-docker ports`. */
export function ports(cli: Cli) {
  return verb('ports', 'the servers in a session’s container; with PORT: share one, and print its URL')
    .argument('[session]', SESSION, LAST)
    .argument('[port]', 'the port to share', portOf)
    .option('--label <text>', 'what is there, in a few words')
    .option('--ttl <time>', 'how long its URL is good, such as 30m, 12h or 7d (default: a day)', secondsOf)
    .option('--rm', 'share it no longer')
    .action(async (name, port, options) => {
      const { label, ttl, rm } = options;
      if (rm === true && (label !== undefined || ttl !== undefined))
        throw new Misused('--rm goes without --label and --ttl');
      if (port === undefined && (label !== undefined || ttl !== undefined || rm === true))
        throw new Misused('which port? `cc-docker ports SESSION PORT`');
      await withService(cli, options, async ({ cc }) => {
        const session = cc.session(await findSession(cc, name));
        if (port === undefined) return show(cli, await session.ports(), options.json === true);
        const shared = await change(session, port, options);
        if (options.json === true) return printJson(cli, shared ?? { port });
        if (shared !== null) cli.out.line(shared.url);
        if (shared?.listening === false) cli.err.line(`nothing listens on port ${port} yet`, 'dim');
      });
    });
}

/** Null: it is shared no longer. */
async function change(session: Session, port: number, { label, ttl, rm }: ShareOptions): Promise<SharedPort | null> {
  if (rm === true) {
    await session.unsharePort(port);
    return null;
  }
  return await session.sharePort({
    port,
    ...(label !== undefined && { label }),
    ...(ttl !== undefined && { ttl_seconds: ttl }),
  });
}

interface Row {
  readonly port: number;
  readonly process: string | null;
  readonly isListening: boolean;
  readonly shared: SharedPort | null;
}

function show(cli: Cli, list: PortList, asJson: boolean): void {
  if (asJson) return printJson(cli, list);
  const rows = rowsOf(list);
  if (rows.length === 0) return cli.err.line('nothing listens in its container, and no port is shared', 'dim');
  const [head = '', ...lines] = table(columns(cli), rows, undefined);
  cli.out.line(head, 'dim');
  for (const line of lines) cli.out.line(line);
}

function rowsOf({ data, listening }: PortList): Row[] {
  const numbers = [...new Set([...data, ...listening].map(({ port }) => port))].toSorted((a, b) => a - b);
  return numbers.map((port) => {
    const open = listening.find((each) => each.port === port);
    const shared = data.find((each) => each.port === port) ?? null;
    return { port, process: open?.process ?? null, isListening: open !== undefined, shared };
  });
}

/** A URL is never shortened: it would be none. */
function columns({ out }: Cli): Column<Row>[] {
  const now = Date.now();
  return [
    { title: 'PORT', value: ({ port }) => String(port), align: 'right' },
    {
      title: 'LISTENS',
      value: ({ isListening, process }) => (isListening ? (process ?? 'yes') : 'no'),
      style: (text, { isListening }) => (isListening ? text : out.style('yellow', text)),
    },
    { title: 'LABEL', value: ({ shared }) => shared?.label ?? '' },
    {
      title: 'ENDS IN',
      value: ({ shared }) => (shared === null ? '' : duration(Date.parse(shared.expires_at) - now)),
      align: 'right',
    },
    { title: 'URL', value: ({ shared }) => shared?.url ?? '' },
  ];
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new Misused('PORT must be a whole number from 1 to 65535');
}
