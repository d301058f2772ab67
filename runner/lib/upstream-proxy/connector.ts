import { isIPv6 } from 'node:net';
import { buildConnector } from 'undici';
import { deliver } from './agents.ts';
import { connectThrough } from './connect-through.ts';
import { proxyFor, type UpstreamProxies } from './proxies.ts';

/** Connections for undici, through the proxy where there is one to a host. @param timeoutMs limit for connecting, TLS included */
export function proxyConnector(proxies: UpstreamProxies, timeoutMs: number): buildConnector.connector {
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
