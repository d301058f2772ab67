import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type tls from 'node:tls';
import { connectThrough } from './connect-through.ts';
import { proxyFor, type UpstreamProxies } from './proxies.ts';

/** Limit for a connection through a proxy, milliseconds. */
const TIMEOUT_MS = 10_000;
const SOCKETS = { keepAlive: true, maxSockets: 50 };

type Created = (error: Error | null, stream: Duplex) => void;

/** Connections for Node's own clients, through the proxy where there is one to a host. */
export function proxiedAgents(proxies: UpstreamProxies): { http: http.Agent; https: https.Agent } {
  return { http: new ProxiedHttpAgent(proxies), https: new ProxiedHttpsAgent(proxies) };
}

class ProxiedHttpAgent extends http.Agent {
  readonly #proxies: UpstreamProxies;

  constructor(proxies: UpstreamProxies) {
    super(SOCKETS);
    this.#proxies = proxies;
  }

  override createConnection(options: http.ClientRequestArgs, callback?: Created): Duplex | null | undefined {
    const raw = tunnel(this.#proxies, 'http', options);
    if (raw === undefined) return super.createConnection(options, callback);
    if (callback !== undefined) void deliver(raw, asNode(callback));
    return undefined;
  }
}

class ProxiedHttpsAgent extends https.Agent {
  readonly #proxies: UpstreamProxies;

  constructor(proxies: UpstreamProxies) {
    super(SOCKETS);
    this.#proxies = proxies;
  }

  override createConnection(options: https.RequestOptions, callback?: Created): Duplex | null | undefined {
    const raw = tunnel(this.#proxies, 'https', options);
    if (raw === undefined) return super.createConnection(options, callback);
    const secure = async (): Promise<Duplex> => {
      const through: tls.ConnectionOptions = { socket: await raw };
      const socket = super.createConnection(Object.assign(through, options));
      if (!socket) throw new Error('TLS gave no connection');
      return socket;
    };
    if (callback !== undefined) void deliver(secure(), asNode(callback));
    return undefined;
  }
}

function tunnel(
  proxies: UpstreamProxies,
  scheme: 'http' | 'https',
  { host, port }: http.ClientRequestArgs,
): Promise<net.Socket> | undefined {
  const target = {
    scheme,
    host: (host ?? 'localhost').toLowerCase(),
    port: Number(port ?? (scheme === 'http' ? 80 : 443)),
  };
  const proxy = proxyFor(proxies, target);
  if (proxy === undefined) return undefined;
  const name = net.isIPv6(target.host) ? `[${target.host}]` : target.host;
  return connectThrough(proxy, `${name}:${target.port}`, { timeoutMs: TIMEOUT_MS });
}

/** With an error, Node ignores the connection. */
function asNode(callback: Created): (error: Error | null, stream: Duplex | null) => void {
  return (error, stream) => callback(error, stream ?? new net.Socket());
}

/** Gives what a promise gives to one who wants a callback. Never rejects. */
export async function deliver<T>(
  created: Promise<T>,
  callback: (error: Error | null, created: T | null) => void,
): Promise<void> {
  let result: T;
  try {
    result = await created;
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)), null);
    return;
  }
  callback(null, result);
}
