import { Agent, type Dispatcher } from 'undici';
import { proxyConnector } from '../lib/upstream-proxy/connector.ts';
import { NO_PROXIES, type UpstreamProxies } from '../lib/upstream-proxy/proxies.ts';

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
