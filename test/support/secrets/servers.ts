import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { onTestFinished } from 'vitest';
import * as z from 'zod';
import type { Interceptor } from '../../../runner/egress/proxy/interceptor.ts';
import { caBundle, caBundleEnv } from '../../../runner/secrets/ca-bundle.ts';
import { openCertificateAuthority, type CertificateAuthority } from '../../../runner/secrets/certificate-authority.ts';
import { loadSecrets } from '../../../runner/secrets/load-secrets.ts';
import { sessionSecrets } from '../../../runner/secrets/session-secrets.ts';
import { createTlsInterceptor } from '../../../runner/secrets/intercept/tls-interceptor.ts';
import { keptLog } from '../quiet-log.ts';
import { scratch } from '../scratch.ts';

const address = z.object({ port: z.number() });

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return address.parse(server.address()).port;
}

export async function makeAuthority(folder = scratch()): Promise<CertificateAuthority> {
  const opened = await openCertificateAuthority(folder);
  if (!opened.ok) throw new Error(opened.problem);
  return opened.authority;
}

/** A real server with TLS on loopback; its certificate is for `host`. */
export async function startTlsServer(
  authority: CertificateAuthority,
  host: string,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const seen: IncomingMessage[] = [];
  const context = await authority.leaf(host);
  const application = http.createServer((request, response) => {
    seen.push(request);
    onRequest(request, response);
  });
  const port = await listen(
    net.createServer((raw) => {
      const socket = new tls.TLSSocket(raw, { isServer: true, secureContext: context });
      socket.on('error', () => raw.destroy());
      socket.once('secure', () => application.emit('connection', socket));
    }),
  );
  return { application, seen, port };
}

/** A CONNECT proxy that knows every name as this machine. */
async function startProxy(interceptor: Interceptor): Promise<string> {
  const server = http.createServer((_request, response) => response.writeHead(501).end());
  server.on('connect', (request: IncomingMessage, client: net.Socket, head: Buffer) => {
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = { host: hostname, port: Number(port), address: '127.0.0.1', addresses: ['127.0.0.1'] };
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) client.unshift(head);
    if (interceptor.intercepts(target.host, target.port)) return interceptor.serve(client, target);
    const upstream = net.connect(target.port, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

/** All that a session has: its proxy, and the environment of its tools. */
export async function startSession(secrets: Record<string, unknown>, names = Object.keys(secrets)) {
  const folder = scratch();
  const servers = await makeAuthority(path.join(folder, 'internet'));
  const own = await makeAuthority(path.join(folder, 'runner'));
  const trusted = { certificates: [servers.certificate.trim()] };
  const env = Object.fromEntries(
    Object.entries(secrets).map(([name, source]) => [`CC_SECRET_${name.toUpperCase()}`, JSON.stringify(source)]),
  );
  const loaded = loadSecrets(env, path.join(folder, 'none'));
  if (!loaded.ok) throw new Error(loaded.problem);
  const chosen = sessionSecrets(names, loaded.secrets);
  if (!chosen.ok) throw new Error(chosen.reason.detail);
  const kept = keptLog();
  const interceptor = createTlsInterceptor({ secrets: chosen.wire, authority: own, trusted, log: kept.log });
  const proxy = await startProxy(interceptor);
  const bundle = path.join(folder, 'ca.pem');
  writeFileSync(bundle, caBundle(trusted, own.certificate));
  return {
    servers,
    proxy,
    interceptor,
    log: kept.lines,
    bundle,
    own,
    env: {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: folder,
      HTTPS_PROXY: proxy,
      ...caBundleEnv(bundle),
    },
  };
}
