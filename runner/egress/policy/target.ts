import { isIPv4, isIPv6 } from 'node:net';

/** A host and port in canonical form: rules are compared with it, and it is dialled. */
export interface Target {
  kind: 'name' | 'ipv4' | 'ipv6';
  /** Lower case, no trailing dot; an IPv6 address in its shortest form, without brackets. */
  host: string;
  port: number;
}

export type ParsedTarget = { ok: true; target: Target } | { ok: false; why: string };

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const PORT = /^[1-9]\d{0,4}$/;
const MAX_AUTHORITY = 300;

/**
 * Parses `host[:port]` strictly. It refuses every spelling that two programs could read differently (octal, hexadecimal and
 * short IPv4, zone ids, percent-encoding, userinfo, non-ASCII bytes, empty labels). So the target that is judged is always
 * the target that is dialled.
 *
 * @param defaultPort for an authority without a port; undefined: the port is required, as in CONNECT
 */
export function parseTarget(authority: string, defaultPort?: number): ParsedTarget {
  if (authority.length > MAX_AUTHORITY) return malformed('it is too long');
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[^\x21-\x7e]/.test(authority)) {
    return malformed('only printable ASCII is taken; write an international name in its xn-- form');
  }
  if (authority.includes('@')) return malformed('a user name or password does not belong there');
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority);
  const [, rawHost, rawPort] = parts ?? [];
  if (rawHost === undefined) return malformed('it is not host:port; an IPv6 address goes in brackets');
  const port = rawPort === undefined ? defaultPort : portOf(rawPort);
  if (port === undefined) return malformed('the port must be a number from 1 to 65535');
  const host = parseHost(rawHost);
  return host.ok ? { ok: true, target: { ...host, port } } : host;
}

/** Parses a host without a port: a DNS name, a dotted IPv4 address or a bracketed IPv6 address. */
export function parseHost(text: string): ({ ok: true } & Pick<Target, 'kind' | 'host'>) | { ok: false; why: string } {
  const host = text.toLowerCase();
  if (host.startsWith('[')) {
    const address = host.slice(1, -1);
    // `isIPv6` accepts zone ids.
    if (!host.endsWith(']') || address.includes('%') || !isIPv6(address)) return malformed('it is no IPv6 address');
    return { ok: true, kind: 'ipv6', host: shortestIPv6(address) };
  }
  if (isIPv4(host)) return { ok: true, kind: 'ipv4', host };
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (name.length === 0 || name.length > 253) return malformed('a name has 1 to 253 characters');
  if (!name.split('.').every((label) => LABEL.test(label))) {
    return malformed('a name consists of labels of letters, digits, - and _ with single dots between');
  }
  // A second check: some program may read a name as an address if the URL standard does so.
  const url = URL.parse(`http://${name}/`);
  if (url?.hostname !== name || isIPv4(name)) {
    return malformed('it is neither a plain name nor a plain dotted IPv4 address');
  }
  return { ok: true, kind: 'name', host: name };
}

/**
 * Parses the absolute form of a request to a proxy, `http://host[:port]/path`.
 * @returns the target, and `path` with the query; it starts with `/`
 */
export function parseAbsoluteForm(
  url: string,
): (ParsedTarget & { ok: true; path: string }) | { ok: false; why: string } {
  const [, authority, rest] = /^http:\/\/([^/?#\\]*)([/?][^#]*)?$/i.exec(url) ?? [];
  if (authority === undefined) return malformed('it is not an http:// URL');
  const parsed = parseTarget(authority, 80);
  if (!parsed.ok) return parsed;
  const path = rest === undefined ? '/' : rest.startsWith('/') ? rest : `/${rest}`;
  return { ...parsed, path };
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatTarget({ host, port }: { host: string; port: number }): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function portOf(text: string): number | undefined {
  const port = PORT.test(text) ? Number(text) : undefined;
  return port !== undefined && port <= 65_535 ? port : undefined;
}

function shortestIPv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function malformed(why: string): { ok: false; why: string } {
  return { ok: false, why };
}
