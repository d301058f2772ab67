import * as z from 'zod';
import { unwrap } from '../../../client/main.ts';
import { chooseConnection } from '../../context/connection.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { Misused } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { claimsOf } from './login-code.ts';

/** `cc-docker token`. */
export function token(cli: Cli) {
  return verb('token', 'print your token, for curl; or mint one for somebody (scope admin)')
    .option('--sub <name>', 'mint: whose it is')
    .option('--ttl <time>', 'mint: how long it is good, such as 90s, 30m, 12h or 7d', secondsOf)
    .option('--scope <scopes>', 'mint: what it may do, such as "sessions:read files:read"')
    .option('--sid <id>', 'mint: the one session that it is for, with those below it')
    .action(async (options) => {
      const { sub, ttl, scope, sid } = options;
      if (sub === undefined) {
        if (ttl !== undefined || scope !== undefined || sid !== undefined)
          throw new Misused('--sub is missing', 'Whose token is to be minted?');
        const { url, token } = chooseConnection(cli.env, options.context);
        if (options.json === true) return printJson(cli, { url, token, ...claimsOf(token) });
        return cli.out.line(token);
      }
      await withService(cli, options, async ({ cc }) => {
        const body = {
          sub,
          ...(ttl !== undefined && { ttl_seconds: ttl }),
          ...(scope !== undefined && { scope }),
          ...(sid !== undefined && { sid }),
        };
        const minted = await unwrap(cc.api.POST('/api/v1/tokens', { body }));
        if (options.json === true) printJson(cli, minted);
        else cli.out.line(z.object({ token: z.string() }).parse(minted).token);
      });
    });
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of `90s`, `30m`, `12h` or `7d`. */
export function secondsOf(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0) throw new Misused('--ttl must be a time such as 90s, 30m, 12h or 7d');
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}
