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
  /** The session's secrets, in the session's order. */
  secrets: readonly WireSecret[];
  authority: CertificateAuthority;
  /** The authorities that servers' certificates must come from. */
  trusted: TrustedAuthorities;
  log: Log;
}

/**
 * Adds a session's secrets to its requests. It acts as the server to the container, and as the client to the real server. It
 * sees every request to the hosts of these secrets, and no other request. A session without such secrets needs no
 * interceptor.
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
    // A long upload needs time, and the client decides how long it keeps idle connections.
    requestTimeout: 0,
    keepAliveTimeout: 0,
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const connection = connectionOf(request);
    const refusal = refusalOf(request, connection);
    if (refusal === undefined) forward(request, response, connection);
    else answer(response, refusal.status, refusal.text);
  };
  server.on('request', handle);
  // Forward `Expect: 100-continue`: the real server decides.
  server.on('checkContinue', handle);
  server.on('upgrade', (request: http.IncomingMessage, socket: Socket, head: Buffer) => {
    const connection = connectionOf(request);
    const response = new http.ServerResponse(request);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, connection);
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
        serverName: serverNameOf(client),
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

/** The server name (SNI) in the client's handshake. */
function serverNameOf(client: tls.TLSSocket & { servername?: unknown }): string | undefined {
  return typeof client.servername === 'string' ? client.servername.toLowerCase().replace(/\.$/, '') : undefined;
}

/** Why a request must not get a secret. @returns undefined: it may */
function refusalOf(
  request: http.IncomingMessage,
  { target, serverName }: Connection,
): { status: number; text: string } | undefined {
  // The names must match. Otherwise a server with many names might treat the request as one for another host.
  const isName = net.isIP(target.host) === 0;
  if (serverName !== target.host && (isName || serverName !== undefined)) {
    const asked = serverName === undefined ? 'names no server' : `names ${JSON.stringify(serverName.slice(0, 253))}`;
    return {
      status: 421,
      text: `this connection was opened to ${target.host}, but its TLS handshake ${asked} (SNI). Ask for the same host in both.`,
    };
  }
  // The response to TRACE repeats the request's headers.
  if (request.method === 'TRACE' || request.method === 'TRACK')
    return { status: 405, text: `${request.method} would show the secret that goes with it, so it is not passed on.` };
  const { url = '' } = request;
  if (!url.startsWith('/') && !(url === '*' && request.method === 'OPTIONS'))
    return { status: 400, text: 'within this connection a request names its path alone, such as /index.html.' };
  return undefined;
}
