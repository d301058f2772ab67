import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { UpstreamProxy } from '../../lib/upstream-proxy/proxies.ts';
import { answeredHeaders } from './forwarded-headers.ts';

export interface Forwarding {
  url: URL;
  /** Name, value, name, value … */
  headers: readonly string[];
  /** The connection to the target, or to `proxy`. */
  socket: Socket;
  /** Is asked for the URL in absolute form. */
  proxy?: UpstreamProxy;
  /** Called instead of answering when the target gave no answer that can be passed on. */
  failed: (why: string) => void;
}

/** Sends a request on over a connection that stands, and the answer back. A break on one side breaks the other. */
export function forward(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): void {
  const { url, headers, socket, proxy, failed } = forwarding;
  const credentials = proxy?.authorization === undefined ? [] : ['Proxy-Authorization', proxy.authorization];
  let broken = 'the connection ended';
  const outgoing = httpRequest(url, {
    method: request.method,
    headers: [...headers, ...credentials],
    ...(proxy && { path: url.href }),
    createConnection: () => socket,
    // Servers that write their headers a little wrong are many.
    insecureHTTPParser: true,
  });
  outgoing.on('response', (incoming) => {
    const fault = proxy !== undefined && incoming.statusCode === 407 ? unauthorized(proxy) : notPassedOn(incoming);
    if (fault !== undefined) {
      outgoing.destroy();
      return failed(fault);
    }
    response.writeHead(incoming.statusCode ?? 0, incoming.statusMessage, answeredHeaders(incoming.rawHeaders));
    // It ends both when one breaks: that is all there is to say to either.
    pipeline(incoming, response, () => {});
  });
  outgoing.on('error', (error) => (broken = 'code' in error ? String(error.code) : error.message));
  outgoing.once('close', () => {
    if (!response.headersSent && !response.destroyed) failed(broken);
  });
  response.once('close', () => outgoing.destroy());
  // No pipeline: the answer may come before the request is whole, and goes on.
  request.pipe(outgoing);
}

function unauthorized({ name, authorization }: UpstreamProxy): string {
  const why =
    authorization === undefined ? 'asks for a user and a password' : 'does not take the user and password in its URL';
  return `the proxy of ${name} ${why}`;
}

/** What Node would refuse to send, and what only a proxy may say. */
function notPassedOn({ statusCode = 0, statusMessage = '' }: IncomingMessage): string | undefined {
  if (statusCode < 100 || statusCode > 999 || statusCode === 407) return `it answered with the status ${statusCode}`;
  if (/[^\t\x20-\x7e\x80-\xff]/.test(statusMessage)) return 'its status line is malformed';
  return undefined;
}
