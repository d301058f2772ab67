import { readFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import { METADATA } from '../../../runner/egress/policy/address.ts';

/** A network service of workerd: it dials only what it allows. */
export interface NetworkRules {
  /** Ranges with a prefix length, or workerd's own `public` and `private`. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** In PEM, besides those that browsers trust. */
  readonly trustedCertificates: readonly string[];
}

/**
 * Ranges outside of workerd's own `private` that are not on the public internet (IANA's special-purpose registries).
 */
const NOT_GLOBAL = [
  '0.0.0.0/8',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Of IPv6, only 2000::/3 is global.
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001:db8::/32',
  // 6to4: the address contains an IPv4 address. It is obsolete.
  '2002::/16',
  '3fff::/20',
];

/** The prefix under which an IPv6-only network reaches IPv4 addresses, public names included (RFC 6052). */
const NAT64 = '64:ff9b::';
/** The IPv4 ranges that workerd itself calls private, local and reserved. */
const PRIVATE_IPV4 = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '224.0.0.0/3',
];

/**
 * The network for posting webhooks. Workerd resolves the name, filters the addresses by these lists, and dials one of the
 * rest: a name cannot lead to an address that was not checked. The longest matching range decides.
 *
 * @param allowed what the operator allows besides public addresses, each with a prefix length
 * @param own addresses of this machine's network cards: a service of the host is not public, even when its address is
 * @param certificates PEM file with the operator's own authorities, in addition to those that browsers trust
 * @throws when that file cannot be read
 */
export function webhookNetwork(
  allowed: readonly string[],
  own: Iterable<string>,
  certificates: string | undefined,
): NetworkRules {
  // Metadata services give out the machine's credentials. Only a rule for the single address may allow one.
  const direct = [...NOT_GLOBAL, ...[...METADATA, ...publicOnes(own)].map(single)];
  const denied = [...direct, ...throughNat64([...PRIVATE_IPV4, ...direct])];
  return {
    allow: ['public', `${NAT64}/96`, ...allowed],
    // Between two equal ranges, workerd follows the denial.
    deny: denied.filter((range) => !allowed.includes(range)),
    trustedCertificates: certificatesIn(certificates),
  };
}

/**
 * The network for services that the operator names: a key set, a Redis, Discord's API. These may be on a private network.
 *
 * @param certificates as in `webhookNetwork`
 * @throws when that file cannot be read
 */
export function operatorNetwork(certificates: string | undefined): NetworkRules {
  return { allow: ['public', 'private'], deny: [], trustedCertificates: certificatesIn(certificates) };
}

function certificatesIn(file: string | undefined): string[] {
  const pem = file === undefined ? '' : readFileSync(file, 'utf8');
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}

/** Private addresses need no denial: they are not reached by default, and the operator may allow a range with them. */
function publicOnes(own: Iterable<string>): string[] {
  return [...own].filter((address) => ipaddr.parse(address).range() === 'unicast');
}

function single(address: string): string {
  return `${address}/${ipaddr.IPv6.isValid(address) ? 128 : 32}`;
}

function throughNat64(ranges: readonly string[]): string[] {
  return ranges
    .filter((range) => !range.includes(':'))
    .map((range) => {
      const [address, bits] = ipaddr.IPv4.parseCIDR(range);
      return `${NAT64}${address.toString()}/${96 + bits}`;
    });
}
