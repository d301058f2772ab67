import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { parsePrivateGrant, type PrivateGrant } from '../../../runner/egress/policy/address.ts';
import type { Decision } from '../../../runner/egress/policy/decision.ts';
import { openEgressProxy, type EgressProxyOptions } from '../../../runner/egress/proxy/proxy.ts';
import { parseRule, type Rule } from '../../../runner/egress/policy/rule.ts';
import { createLog } from '../../../runner/lib/log.ts';
import { Changes } from '../changes.ts';

export function rules(...texts: string[]): Rule[] {
  return texts.map((text) => {
    const rule = parseRule(text);
    if (rule === undefined) throw new Error(`no rule: ${text}`);
    return rule;
  });
}

export function grants(...texts: string[]): PrivateGrant[] {
  return texts.map((text) => {
    const grant = parsePrivateGrant(text);
    if (grant === undefined) throw new Error(`no grant: ${text}`);
    return grant;
  });
}

export interface Fixture {
  socketPath: string;
  decisions: Decision[];
  changes: Changes;
  /** Names that were looked up. */
  asked: string[];
  close(): Promise<void>;
}

export type FixtureOptions = Partial<Omit<EgressProxyOptions, 'policy'>> & {
  allow?: string[];
  ceiling?: string[];
  private?: string[];
  /** Names of the test's own resolver; anything else does not resolve. */
  names?: Record<string, string[]>;
};

/** A proxy on a real unix socket. Its names are the test's own; 127.0.0.1 is open unless said otherwise. */
export async function startProxy(options: FixtureOptions = {}): Promise<Fixture> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'egress-'));
  const { allow = ['*:*'], ceiling = ['*:*'], names = {}, private: open = ['127.0.0.1'], ...rest } = options;
  const socketPath = path.join(folder, 'proxy.sock');
  const decisions: Decision[] = [];
  const asked: string[] = [];
  const changes = new Changes();
  const proxy = await openEgressProxy({
    socketPath,
    policy: { session: rules(...allow), ceiling: rules(...ceiling), private: grants(...open) },
    onDecision: (decision) => {
      decisions.push(decision);
      changes.notify();
    },
    log: createLog('silent'),
    lookup: async (host) => {
      asked.push(host);
      const found = names[host] ?? (host.endsWith('.test') ? ['127.0.0.1'] : undefined);
      if (found === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
      return await Promise.resolve(found);
    },
    ...rest,
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= proxy.close());
  onTestFinished(async () => {
    await close();
    await rm(folder, { recursive: true });
  });
  return { socketPath, decisions, asked, changes, close };
}

/** A server on a free port of 127.0.0.1. @returns its port */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

export interface WebServer {
  port: number;
  /** What arrived, with bodies. */
  requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
}

/** Keeps what it is asked, and answers `hello` unless given an answer. */
export async function startWeb(answer?: RequestListener): Promise<WebServer> {
  const requests: WebServer['requests'] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      if (answer === undefined) response.end('hello');
      else answer(request, response);
    });
  });
  return { port: await listen(server), requests };
}

/** The wrapper's part: each connection on a TCP port goes to the socket. @returns the port */
export async function startPipe(socketPath: string): Promise<number> {
  return await listen(
    net.createServer({ allowHalfOpen: true }, (client) => {
      const proxy = net.connect({ path: socketPath, allowHalfOpen: true });
      proxy.on('error', () => client.destroy());
      client.on('close', () => proxy.destroy());
      client.pipe(proxy).pipe(client);
    }),
  );
}

/** Sends these bytes as they are. @returns everything that came until the other side ended */
export async function talk(socketPath: string, text: string | Buffer): Promise<string> {
  const socket = net.connect({ path: socketPath });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => socket.destroy());
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** A tunnel, once CONNECT was answered with 200. */
export async function openTunnel(socketPath: string, authority: string, head = ''): Promise<Socket> {
  const socket = net.connect({ path: socketPath, allowHalfOpen: true });
  // Cut from the other side: what a test sees is its end.
  socket.on('error', () => socket.destroy());
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n${head}`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  const text = chunk.toString('latin1');
  const end = text.indexOf('\r\n\r\n') + 4;
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(text);
  socket.pause();
  if (chunk.length > end) socket.unshift(chunk.subarray(end));
  return socket;
}
