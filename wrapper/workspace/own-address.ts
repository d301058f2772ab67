/** The container's own, when neither says more: IPv4 first, since a container seldom has IPv6. */
const EITHER: readonly string[] = ['127.0.0.1', '::1'];

/** Names of loopback in `/etc/hosts`. `*.localhost` is loopback too (RFC 6761, 6.3). */
const OWN_NAMES = new Set(['localhost', 'localhost.localdomain', 'ip6-localhost', 'ip6-loopback']);

/**
 * Where to connect for a host that means the container itself: loopback in any spelling that the URL standard knows
 * (`127.1`, `0x7f000001`, `[::ffff:127.0.0.1]`), "all addresses" (`0.0.0.0`, `[::]`), and the names of loopback.
 *
 * @param host as a tool wrote it; an IPv6 address in brackets
 * @param hostname the container's own name
 * @returns loopback addresses, to be tried in this order; undefined: the host is another machine
 */
export function ownAddresses(host: string, hostname: string): readonly string[] | undefined {
  const canonical = URL.parse(`http://${host}/`)?.hostname.replace(/\.$/, '');
  if (canonical === undefined) return undefined;
  if (/^127\.\d+\.\d+\.\d+$/.test(canonical)) return [canonical];
  // The last 32 bits of an IPv4-mapped address, as the URL standard writes them.
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(canonical) ?? [];
  if (high !== undefined && low !== undefined)
    return ownAddresses(dotted(parseInt(high, 16), parseInt(low, 16)), hostname);
  if (canonical === '[::1]') return ['::1', '127.0.0.1'];
  if (canonical === '0.0.0.0' || canonical === '[::]') return EITHER;
  const isName = OWN_NAMES.has(canonical) || canonical.endsWith('.localhost') || canonical === hostname.toLowerCase();
  return isName ? EITHER : undefined;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}
