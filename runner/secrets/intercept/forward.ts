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

/** A container's connection that the runner intercepts: it answers instead of the server. */
export interface Connection {
  target: EgressTarget;
  agent: UpstreamAgent;
  credentials: readonly Credential[];
  /** The server name (SNI) in the client's handshake. */
  serverName: string | undefined;
  log: Log;
}

/** Begins the request to the real server, with the credentials. Its headers are sent with the first write or flush. */
export function openUpstream(
  request: http.IncomingMessage,
  { target, agent, credentials }: Connection,
  more: readonly string[] = [],
): http.ClientRequest {
  const { method = 'GET', url: path = '/', rawHeaders } = request;
  const authority = authorityOf(target);
  return https.request({
    agent,
    host: target.host,
    port: target.port,
    method,
    path,
    headers: [...interceptedRequest(rawHeaders, { method, path, authority, credentials }), ...more],
  });
}

/** All forms of these secrets, longest first, because a shorter one may be part of a longer one. */
export function secretFormsOf(credentials: readonly Credential[]): string[] {
  return credentials.flatMap((credential) => [...credential.secretForms]).sort((a, b) => b.length - a.length);
}

/** Forwards a request and its response. Neither is read faster than the other side accepts it. */
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
    // The server closed a kept-alive connection. Close the client's too: the client knows whether it may retry.
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
      // The client cut its request short. The server must not take it for complete.
      if (!request.complete) upstream.destroy();
    });
  }
}

/** Sends a response to the client, with secrets in headers and body masked. */
export async function relayReply(
  reply: http.IncomingMessage,
  response: http.ServerResponse,
  { credentials }: Pick<Connection, 'credentials'>,
): Promise<void> {
  const secretForms = secretFormsOf(credentials);
  const [statusMessage = ''] = interceptedResponse(['', reply.statusMessage ?? ''], secretForms).slice(1);
  response.writeHead(reply.statusCode ?? 502, statusMessage, interceptedResponse(reply.rawHeaders, secretForms));
  // Without this, Node sends the headers only with the first chunk.
  response.flushHeaders();
  // A compressed body cannot be masked. The request asked for an uncompressed one.
  const plain = (reply.headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity';
  if (plain && secretForms.length > 0) await pipeline(reply, new Mask(secretForms), response);
  else await pipeline(reply, response);
}

function authorityOf({ host, port }: EgressTarget): string {
  const name = isIPv6(host) ? `[${host}]` : host;
  return port === 443 ? name : `${name}:${port}`;
}
