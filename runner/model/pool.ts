import { isIPv6 } from 'node:net';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { deliver } from '../lib/upstream-proxy/agents.ts';
import { connectThrough } from '../lib/upstream-proxy/connect-through.ts';
import { NO_PROXIES, proxyFor, type UpstreamProxies } from '../lib/upstream-proxy/proxies.ts';

export type ModelPoolOptions = {
  /** Limit for connecting, TLS included; milliseconds. */
  connectMs?: number;
  /** Limit between the request's end and the response headers, and between two response chunks; milliseconds. */
  silenceMs?: number;
  /** The proxies on the way to the model. */
  proxies?: UpstreamProxies;
};

/**
 * Connections to the model, kept open between requests and shared by sessions. The pool follows no redirect and decodes
 * nothing.
 *
 * Claude Code accepts any silence, because its calls may be paused. So this pool must notice a model that has gone silent.
 * Idle connections close after 30 s (or as the server announces), well before a load balancer would drop them silently.
 * They do not keep the process alive.
 */
export function createModelPool(options: ModelPoolOptions = {}): Dispatcher {
  const { connectMs = 10_000, silenceMs = 600_000, proxies = NO_PROXIES } = options;
  return new Agent({
    connect: proxyConnector(proxies, connectMs),
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
    keepAliveTimeout: 30_000,
  });
}

function proxyConnector(proxies: UpstreamProxies, timeoutMs: number): buildConnector.connector {
  const direct = buildConnector({ timeout: timeoutMs });
  return (options, callback) => {
    const isTls = options.protocol === 'https:';
    const host = options.hostname.replace(/^\[|\]$/g, '').toLowerCase();
    const target = {
      scheme: isTls ? ('https' as const) : ('http' as const),
      host,
      port: Number(options.port) || (isTls ? 443 : 80),
    };
    const proxy = proxyFor(proxies, target);
    if (proxy === undefined) {
      direct(options, callback);
      return;
    }
    const tunnel = connectThrough(proxy, `${isIPv6(host) ? `[${host}]` : host}:${target.port}`, { timeoutMs });
    void deliver(tunnel, (error, socket) => {
      if (socket === null) callback(error ?? new Error('no connection'), null);
      else if (isTls) direct({ ...options, httpSocket: socket }, callback);
      else callback(null, socket);
    });
  };
}
