import { readFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import { METADATA } from '../../runner/egress/policy/address.ts';

/** A workerd service that dials what it is allowed to, and nothing else. */
export interface NetworkBinding {
  type: 'network';
  allow: string[];
  deny: string[];
  tlsOptions: { trustBrowserCas: true; trustedCertificates: string[] };
}

/** Not in workerd's own `private`, and yet nowhere on the public internet (IANA's special-purpose registries). */
const NOT_GLOBAL = [
  '0.0.0.0/8',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Of IPv6 only 2000::/3 has a global meaning.
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001:db8::/32',
  // Carries an IPv4 address, and nobody should need it any more.
  '2002::/16',
  '3fff::/20',
];

/** Where an IPv4 network is reached by way of IPv6, a public name leads there (RFC 6052). */
const NAT64 = '64:ff9b::';
/** What workerd itself calls private, local and reserved, of IPv4. */
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
 * The network that webhooks are posted through. Workerd filters the addresses that a name has by these lists and dials one of
 * those that are left, so that a name cannot lead to another address than was judged. The longest range that matches decides.
 *
 * @param allowed what the operator allows beyond public addresses; each with a prefix
 * @param own addresses of this machine's own network cards: a service of the host's is not public because its address is
 * @param certificates PEM file with authorities of the operator's own, beside those that browsers trust
 * @throws when that file cannot be read
 */
export function webhookNetwork(
  allowed: readonly string[],
  own: Iterable<string>,
  certificates: string | undefined,
): NetworkBinding {
  // Metadata services hand out a machine's credentials: named alone, not as one of a wide range.
  const direct = [...NOT_GLOBAL, ...[...METADATA, ...publicOnes(own)].map(single)];
  const denied = [...direct, ...throughNat64([...PRIVATE_IPV4, ...direct])];
  const pem = certificates === undefined ? '' : readFileSync(certificates, 'utf8');
  return {
    type: 'network',
    allow: ['public', `${NAT64}/96`, ...allowed],
    // Of two ranges that are the same, workerd follows the denial.
    deny: denied.filter((range) => !allowed.includes(range)),
    tlsOptions: {
      trustBrowserCas: true,
      trustedCertificates: pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [],
    },
  };
}

/** The others are not reached anyhow, and a range that the operator allows may have them. */
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
