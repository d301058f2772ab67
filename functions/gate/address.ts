import type { Context } from 'hono';
import * as z from 'zod';
import type { AppEnv } from '../app-env.ts';

type C = Pick<Context<AppEnv>, 'env' | 'req' | 'get'>;

/** Where Cloudflare names the caller's address. A client cannot set it there. */
const CLOUDFLARE_HEADER = 'cf-connecting-ip';

/** What workerd itself says of a connection: `192.0.2.7:1234`, `[2001:db8::7]:1234`. */
const workerdCf = z.object({ clientIp: z.string() });

/** The caller's address; null: nobody says. Behind a proxy, `ADDRESS_HEADER` has it: of several, the last is the proxy's own word. */
export function addressOf(c: C): string | null {
  if (c.env.CALLER_ADDRESS !== undefined) return c.env.CALLER_ADDRESS;
  const { ADDRESS_HEADER: header } = c.get('settings');
  if (header === '' && c.env.RUNTIME === 'workerd') return peerOf(c.req.raw);
  const address = c.req
    .header(header || CLOUDFLARE_HEADER)
    ?.split(',')
    .at(-1)
    ?.trim()
    .toLowerCase();
  return address === undefined || address === '' || address.length > 64 ? null : address;
}

function peerOf({ cf }: Request): string | null {
  const peer = workerdCf.safeParse(cf).data?.clientIp;
  const address = peer?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  // A socket for IPv6 that takes IPv4 as well.
  return address?.replace(/^::ffff:(?=\d+\.)/, '') ?? null;
}

/** Who is counted together: an IPv4 address, or the /64 that one customer of a network has. */
export function networkOf(address: string | null): string {
  if (address === null) return 'unknown';
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const start = head.split(':').filter((part) => part !== '');
  const end = (tail ?? '').split(':').filter((part) => part !== '');
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - start.length - end.length) }, () => '0');
  return `${[...start, ...zeros, ...end].slice(0, 4).join(':')}::/64`;
}
