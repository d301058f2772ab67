import type http from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { EgressTarget } from '../../egress/proxy/interceptor.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import { answer, failureText } from './answer.ts';
import type { Credential } from '../credential.ts';
import { interceptedRequest, interceptedResponse } from './forwarded-headers.ts';
import { Mask } from '../../lib/mask.ts';
import type { UpstreamAgent } from './upstream-agent.ts';

/** A connection of the container's that the runner answers in a server's stead. */
export interface Connection {
  target: EgressTarget;
  agent: UpstreamAgent;
  credentials: readonly Credential[];
  /** The server that the client's handshake named. */
  serverName: string | undefined;
  log: Log;
}

/** Begins the request to the real server, with the credentials in it. Its headers go out with the first write or flush. */
export function openUpstream(
  request: http.IncomingMessage,
  { target, agent, credentials }: Connection,
  more: readonly string[] = [],
): http.ClientRequest {
  const { method = 'GET', rawHeaders } = request;
  const authority = authorityOf(target);
  return https.request({
    agent,
    host: target.host,
    port: target.port,
    method,
    path: request.url,
    headers: [...interceptedRequest(rawHeaders, { method, authority, credentials }), ...more],
  });
}

/** What an answer to these credentials must not hold. */
export function telltalesOf(credentials: readonly Credential[]): string[] {
  return credentials.flatMap((credential) => [...credential.telltales]).sort((a, b) => b.length - a.length);
}

/** Passes a request on and its answer back, neither read faster than the other side takes it. */
export function forward(request: http.IncomingMessage, response: http.ServerResponse, connection: Connection): void {
  const { target, log } = connection;
  const upstream = openUpstream(request, connection);
  response.sendDate = false;
  let answered = false;

  upstream.on('continue', () => response.writeContinue());
  upstream.once('response', (reply) => {
    answered = true;
    relayReply(reply, response, connection).catch((error: unknown) => {
      log.debug('answer broken off', { host: target.host, port: target.port, why: messageOf(error) });
      response.destroy();
      request.socket.destroy();
    });
  });
  upstream.on('error', (error) => {
    request.unpipe(upstream);
    request.resume();
    if (answered || response.destroyed) return;
    // The server let go of a connection that was kept: the client, which knows what may be sent again, is let go of as well.
    if (upstream.reusedSocket) {
      request.socket.destroy();
      return;
    }
    log.warn('intercepted request failed', { host: target.host, port: target.port, why: messageOf(error) });
    answer(response, 502, failureText(target, error));
  });
  response.once('close', () => {
    request.unpipe(upstream);
    if (!response.writableFinished) upstream.destroy();
  });

  if (request.headers['transfer-encoding'] === undefined && request.headers['content-length'] === undefined) {
    upstream.end();
  } else {
    upstream.flushHeaders();
    request.pipe(upstream);
    request.once('close', () => {
      // Cut short by the client: what the server has is not the whole.
      if (!request.complete) upstream.destroy();
    });
  }
}

/** Sends an answer back, its headers and body masked. */
export async function relayReply(
  reply: http.IncomingMessage,
  response: http.ServerResponse,
  { credentials }: Pick<Connection, 'credentials'>,
): Promise<void> {
  const telltales = telltalesOf(credentials);
  const [statusMessage = ''] = interceptedResponse(['', reply.statusMessage ?? ''], telltales).slice(1);
  response.writeHead(reply.statusCode ?? 502, statusMessage, interceptedResponse(reply.rawHeaders, telltales));
  // Else Node holds the headers back until the first chunk.
  response.flushHeaders();
  // A compressed body cannot be searched; none was asked for.
  const plain = (reply.headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity';
  if (plain && telltales.length > 0) await pipeline(reply, new Mask(telltales), response);
  else await pipeline(reply, response);
}

function authorityOf({ host, port }: EgressTarget): string {
  const name = isIPv6(host) ? `[${host}]` : host;
  return port === 443 ? name : `${name}:${port}`;
}
