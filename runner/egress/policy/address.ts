import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A private address range that the operator allows. */
export interface PrivateGrant {
  network: Address;
  prefix: number;
  /** Undefined: every port. */
  port: number | undefined;
}

export type AddressVerdict = { ok: true } | { ok: false; why: string };

/** Cloud metadata services and host agents. They give out credentials. One of them has a public address. */
export const METADATA = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
]);

const KINDS: Record<string, string> = {
  private: 'a private',
  uniqueLocal: 'a private',
  carrierGradeNat: 'a private',
  deprecatedSiteLocal: 'a private',
  loopback: 'a loopback',
  linkLocal: 'a link-local',
  multicast: 'a multicast',
  broadcast: 'a broadcast',
  unspecified: 'an unspecified',
};

const GLOBAL_IPV6: [ipaddr.IPv6, number] = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Allows global unicast addresses and the operator's grants, nothing else. An IPv6 address that embeds an IPv4 address
 * (mapped, translated, 6to4, Teredo) is judged by the IPv4 address, because the packets go there.
 *
 * @param address as the resolver gives it, or a target's canonical address
 * @param own addresses of this machine's network interfaces. A service on the host is not public, even if its address is.
 */
export function judgeAddress(
  address: string,
  port: number,
  grants: readonly PrivateGrant[],
  own: ReadonlySet<string>,
): AddressVerdict {
  if (!ipaddr.isValid(address)) return { ok: false, why: 'the resolver gave no address' };
  for (const one of destinationsOf(ipaddr.parse(address))) {
    const text = one.toString();
    const through = text === address ? text : `${text} (as ${address})`;
    if (METADATA.has(text)) {
      // Only a grant for this one address counts, not a wide range that includes it.
      if (granted(one, port, grants.filter(isSingle))) continue;
      return { ok: false, why: `${through} is a cloud metadata address` };
    }
    if (granted(one, port, grants)) continue;
    const range = rangeOf(one);
    if (range !== 'unicast') return { ok: false, why: `${through} is ${KINDS[range] ?? 'a reserved'} address` };
    if (own.has(text)) return { ok: false, why: `${through} is an address of the machine that the runner is on` };
  }
  return { ok: true };
}

/** Parses `10.0.0.0/8`, `10.1.2.3:5432`, `10.0.0.0/8:5432`, `fd00::/8`, `[fd00::1]:5432`. @returns undefined: invalid */
export function parsePrivateGrant(written: string): PrivateGrant | undefined {
  const text = written.trim();
  const [, bracketed, plain, portText] =
    /^(?:\[([0-9a-fA-F:.]+(?:\/\d{1,3})?)\]|(\d[\d.]*(?:\/\d{1,2})?))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const range = bracketed ?? plain ?? (text.includes(':') ? text : undefined);
  if (range === undefined) return undefined;
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const [base = '', bits] = range.split('/');
  if (!ipaddr.IPv4.isValidFourPartDecimal(base) && !(ipaddr.IPv6.isValid(base) && !base.includes('%'))) {
    return undefined;
  }
  const network = ipaddr.parse(base);
  const width = network.kind() === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? width : Number(bits);
  return /^\d{1,3}$/.test(bits ?? '0') && prefix <= width ? { network, prefix, port } : undefined;
}

function isSingle({ network, prefix }: PrivateGrant): boolean {
  return prefix === (network.kind() === 'ipv4' ? 32 : 128);
}

function granted(address: Address, port: number, grants: readonly PrivateGrant[]): boolean {
  return grants.some(
    (grant) =>
      grant.network.kind() === address.kind() &&
      address.match(grant.network, grant.prefix) &&
      (grant.port === undefined || grant.port === port),
  );
}

function rangeOf(address: Address): string {
  // Only 2000::/3 is assigned as global unicast (RFC 4291, IANA).
  if (address instanceof ipaddr.IPv6 && address.range() === 'unicast' && !address.match(GLOBAL_IPV6)) return 'reserved';
  return address.range();
}

/** The addresses to which packets for this address go. */
function destinationsOf(address: Address): Address[] {
  if (address instanceof ipaddr.IPv4) return [address];
  const { parts } = address;
  const range = address.range();
  if (range === 'ipv4Mapped' || range === 'rfc6145') return [embedded(parts, 6)];
  // Only the well-known prefix has a fixed place for the IPv4 address. A local one (64:ff9b:1::/48) is refused.
  if (range === 'rfc6052' && parts[2] === 0) return [embedded(parts, 6)];
  if (range === '6to4') return [embedded(parts, 1)];
  if (range !== 'teredo') return [address];
  // Teredo embeds its server's address, and its client's with every bit inverted.
  return [
    embedded(parts, 2),
    embedded(
      parts.map((part) => part ^ 0xffff),
      6,
    ),
  ];
}

function embedded(parts: readonly number[], at: number): ipaddr.IPv4 {
  const [high = 0, low = 0] = parts.slice(at, at + 2);
  return new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff]);
}
