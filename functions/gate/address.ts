import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';

type C = Pick<Context<AppEnv>, 'req' | 'get'>;

/** Where the platform names the caller's address. */
const PLATFORM_HEADER = 'cf-connecting-ip';

/** The header that names the caller's address. */
const headerOf = (c: C) => c.get('settings').ADDRESS_HEADER || PLATFORM_HEADER;

/** That header, for calls that are made for the caller; none: nobody says. */
export function addressHeader(c: C): Record<string, string> {
  const value = c.req.header(headerOf(c));
  return value === undefined ? {} : { [headerOf(c)]: value };
}

/** The caller's address; null: nobody says. Behind a proxy, `ADDRESS_HEADER` has it: of several, the last is the proxy's own word. */
export function addressOf(c: C): string | null {
  const address = c.req.header(headerOf(c))?.split(',').at(-1)?.trim().toLowerCase();
  return address === undefined || address === '' || address.length > 64 ? null : address;
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
