import http from 'node:http';
import type { Socket } from 'node:net';
import net from 'node:net';
import tls from 'node:tls';
import type { EgressTarget, Interceptor } from '../../egress/proxy/interceptor.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import type { TrustedAuthorities } from '../ca-bundle.ts';
import type { CertificateAuthority } from '../certificate-authority.ts';
import { credentialsFor } from '../credential.ts';
import { forward, type Connection } from './forward.ts';
import { forwardUpgrade } from './forward-upgrade.ts';
import { withCredentials } from './forwarded-headers.ts';
import type { WireSecret } from '../secret.ts';
import { answer } from './answer.ts';
import { UpstreamAgent } from './upstream-agent.ts';

const HANDSHAKE_MS = 15_000;

export interface TlsInterceptorOptions {
  /** The session's, in its order. */
  secrets: readonly WireSecret[];
  authority: CertificateAuthority;
  /** By whom servers must be vouched for. */
  trusted: TrustedAuthorities;
  log: Log;
}

/**
 * Puts a session's secrets in on the way: it is the server to the container, and the client to the real one. It sees every request
 * to the hosts of these secrets, and none to any other. Without a secret that goes on the wire there is nothing to intercept:
 * the session needs no interceptor.
 */
export function createTlsInterceptor({ secrets, authority, trusted, log }: TlsInterceptorOptions): Interceptor {
  const trust = tls.createSecureContext({ ca: [...trusted.certificates] });
  const connections = new WeakMap<Socket, Connection>();
  const connectionOf = (request: http.IncomingMessage): Connection => {
    const connection = connections.get(request.socket);
    if (connection === undefined) throw new Error('a request on a connection that was never taken over');
    return connection;
  };

  const server = http.createServer({
    // A long upload takes its time; idle connections are the client's to keep.
    requestTimeout: 0,
    keepAliveTimeout: 0,
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  const take = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const connection = connectionOf(request);
    const refusal = refuse(request, connection);
    if (refusal === undefined) forward(request, response, connection);
    else answer(response, refusal.status, refusal.text);
  };
  server.on('request', take);
  // The real server says whether to continue.
  server.on('checkContinue', take);
  server.on('upgrade', (request: http.IncomingMessage, socket: Socket, head: Buffer) => {
    const connection = connectionOf(request);
    const response = new http.ServerResponse(request);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    const refusal = refuse(request, connection);
    if (refusal === undefined) forwardUpgrade(request, { socket, head, response }, connection);
    else answer(response, refusal.status, refusal.text);
  });

  const terminate = async (socket: Socket, target: EgressTarget): Promise<void> => {
    const secureContext = await authority.leaf(target.host);
    const client = new tls.TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    const timer = setTimeout(() => client.destroy(), HANDSHAKE_MS);
    const agent = new UpstreamAgent(target, trust);
    client.on('error', (error) => {
      log.debug('intercepted connection failed', { host: target.host, port: target.port, why: messageOf(error) });
      client.destroy();
    });
    client.once('close', () => {
      clearTimeout(timer);
      agent.destroy();
      socket.destroy();
    });
    client.once('secure', () => {
      clearTimeout(timer);
      connections.set(client, {
        target,
        agent,
        credentials: credentialsFor(secrets, target.host, target.port, 'https'),
        serverName: nameAskedFor(client),
        log,
      });
      server.emit('connection', client);
    });
  };

  return {
    intercepts: (host, port) => credentialsFor(secrets, host, port, 'https').length > 0,
    serve: (socket, target) => {
      socket.on('error', () => socket.destroy());
      terminate(socket, target).catch((error: unknown) => {
        log.error('connection not intercepted', { host: target.host, port: target.port, error });
        socket.destroy();
      });
    },
    rewrite: (rawHeaders, target) =>
      withCredentials(rawHeaders, credentialsFor(secrets, target.host, target.port, 'http')),
  };
}

function nameAskedFor(client: tls.TLSSocket & { servername?: unknown }): string | undefined {
  return typeof client.servername === 'string' ? client.servername.toLowerCase().replace(/\.$/, '') : undefined;
}

/** What no secret is put into. */
function refuse(
  request: http.IncomingMessage,
  { target, serverName }: Connection,
): { status: number; text: string } | undefined {
  // Names must agree, or a server of many names would take the request for another one than the secret's.
  const isName = net.isIP(target.host) === 0;
  if (serverName !== target.host && (isName || serverName !== undefined)) {
    const asked = serverName === undefined ? 'names no server' : `names ${JSON.stringify(serverName.slice(0, 253))}`;
    return {
      status: 421,
      text: `this connection was opened to ${target.host}, but its TLS handshake ${asked} (SNI). Ask for the same host in both.`,
    };
  }
  // The one method that is answered with the request's own headers.
  if (request.method === 'TRACE' || request.method === 'TRACK')
    return { status: 405, text: `${request.method} would show the secret that goes with it, so it is not passed on.` };
  const { url = '' } = request;
  if (!url.startsWith('/') && !(url === '*' && request.method === 'OPTIONS'))
    return { status: 400, text: 'within this connection a request names its path alone, such as /index.html.' };
  return undefined;
}
