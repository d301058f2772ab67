import ipaddr from 'ipaddr.js';

/** A proxy that this machine has to go through to the world outside, such as a company's. */
export interface UpstreamProxy {
  host: string;
  port: number;
  /** For people: the variable, and the proxy's address without its credentials. */
  name: string;
  /** The value of `Proxy-Authorization`; absent: it asks for none. Never shown. */
  authorization?: string;
}

/** What the environment says of proxies. Plain data: it also goes to worker threads. */
export interface UpstreamProxies {
  /** For `http://` and for `https://` URLs. */
  http?: UpstreamProxy;
  https?: UpstreamProxy;
  /** The entries of `NO_PROXY`, in lower case. */
  direct: readonly string[];
}

export const NO_PROXIES: UpstreamProxies = { direct: [] };

/** Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; lower-case names come first, as with curl. `problem` is one line. */
export function upstreamProxies(
  env: Record<string, string | undefined>,
): { ok: true; proxies: UpstreamProxies } | { ok: false; problem: string } {
  const proxies: UpstreamProxies = { direct: entries(env['no_proxy'] || env['NO_PROXY'] || '') };
  for (const scheme of ['http', 'https'] as const) {
    const names = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`];
    const variable = names.find((name) => (env[name] ?? '').trim() !== '');
    if (variable === undefined) continue;
    const proxy = parseProxy(variable, env[variable] ?? '');
    // The value may hold a password, so it is not repeated.
    if (proxy === undefined) {
      const problem = `${variable} must be the http:// URL of a proxy, such as http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128`;
      return { ok: false, problem };
    }
    proxies[scheme] = proxy;
  }
  return { ok: true, proxies };
}

/**
 * The proxy to a target; undefined: it is dialled directly. The one place that understands `NO_PROXY`: `*`, names with all that
 * is below them, addresses, ranges (`10.0.0.0/8`), each with or without `:port`. Loopback is always direct.
 *
 * @param host lower case; an IPv6 address with or without brackets
 */
export function proxyFor(
  proxies: UpstreamProxies,
  { scheme, host, port }: { scheme: 'http' | 'https'; host: string; port: number },
): UpstreamProxy | undefined {
  const proxy = proxies[scheme];
  if (proxy === undefined) return undefined;
  const bare = host.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (bare === 'localhost' || bare.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(bare) || bare === '::1') {
    return undefined;
  }
  return proxies.direct.some((entry) => covers(entry, bare, port)) ? undefined : proxy;
}

function entries(list: string): string[] {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const [, bracketed, plain, onlyPort] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  const place = bracketed ?? plain ?? entry;
  if (ipaddr.isValid(host)) return coversAddress(place, ipaddr.process(host));
  const name = place.replace(/^\*?\./, '').replace(/\.$/, '');
  return host === name || host.endsWith(`.${name}`);
}

function coversAddress(place: string, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const [base = '', bits] = place.split('/');
  if (!ipaddr.isValid(base)) return false;
  const network = ipaddr.process(base);
  const width = network.kind() === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? width : Number(bits);
  if (network.kind() !== address.kind() || !Number.isInteger(prefix) || prefix < 0 || prefix > width) return false;
  return address.match(network, prefix);
}

function parseProxy(variable: string, value: string): UpstreamProxy | undefined {
  const text = value.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url?.protocol !== 'http:' || url.hostname === '' || url.pathname.length > 1 || url.search !== '')
    return undefined;
  const port = url.port === '' ? 80 : Number(url.port);
  const proxy = { host: url.hostname.replace(/^\[|\]$/g, ''), port, name: `${variable} (${url.hostname}:${port})` };
  if (url.username === '' && url.password === '') return proxy;
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (user === undefined || password === undefined) return undefined;
  return { ...proxy, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
