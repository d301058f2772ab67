import ipaddr from 'ipaddr.js';
import { signingKey } from './signing.ts';

/**
 * Why a webhook cannot be posted to this URL, judged by the URL and the secret alone; null: it may be. This check only
 * reports a mistake at once, before the first post fails. It is not the guard: that is the network service that dials
 * (`start/edge/workerd/networks.ts`).
 *
 * @param secret undefined: one will be minted
 * @param allow ranges that the operator allows. Any range other than `public` switches the check of the address off
 */
export function targetRefusal(url: string, secret: string | undefined, allow: readonly string[]): string | null {
  if (!URL.canParse(url)) return 'The URL cannot be read.';
  const { hostname, username, password } = new URL(url);
  if (username !== '' || password !== '') {
    return 'A name or a password in the URL is not sent. Leave it out: the receiver knows a post by its signature.';
  }
  if (secret !== undefined && signingKey(secret) === null) return 'The secret is not "whsec_" and base64.';
  if (allow.some((range) => range !== 'public') || isPublic(hostname)) return null;
  return `${hostname} is not a public address. The operator of this service can allow it: WEBHOOK_ALLOW.`;
}

/** @param host as `URL` writes it: every notation of an IPv4 address has become four decimal parts */
function isPublic(host: string): boolean {
  if (/^(?:.*\.)?localhost\.?$/.test(host)) return false;
  const literal = host.replace(/^\[(.*)\]$/, '$1');
  if (!ipaddr.isValid(literal)) return true;
  const address = ipaddr.parse(literal);
  // Of IPv6, only 2000::/3 is global unicast (RFC 4291, IANA).
  if (address instanceof ipaddr.IPv6 && !address.match(ipaddr.IPv6.parseCIDR('2000::/3'))) return false;
  return address.range() === 'unicast';
}
