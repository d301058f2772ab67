import { createConnection, createServer, type Socket } from 'node:net';
import os from 'node:os';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { dialForDownload } from './download.ts';
import { ownAddresses } from './own-address.ts';
import { asOnlyRequest, ownAnswer, parseProxyRequest } from './proxy-request.ts';

type Egress = NonNullable<WrapperLaunch['egress']>;
type Forward = Egress['forwards'][number];

/** Largest answer of the proxy to a CONNECT, bytes. */
const ANSWER_BYTES = 16 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
/** Longest head of a tool's request that is looked at, bytes; of a longer one the runner's proxy says that it is too long. */
const REQUEST_BYTES = 64 * 1024;
/** Time for a tool to send it, milliseconds: as long as the runner's proxy waits. */
const REQUEST_MS = 60_000;
/** Time for a tool to read an answer of the wrapper's own, milliseconds. */
const LINGER_MS = 1_000;

/** The container's ends of the session's egress. */
export interface EgressListeners {
  /** Settles when each listener listens or has failed: with why tools cannot reach the proxy, or null. */
  opened: Promise<string | null>;
  close(): void;
}

/**
 * Listens on loopback for the container's tools. What they ask of the container itself (`0.0.0.0`, `app.localhost`) it connects
 * in here; all else it copies to the runner's proxy. It decides nothing: an agent that connects to the socket itself reaches
 * the same proxy. A forward that cannot listen is logged on stderr; its host can still be reached through the proxy.
 */
export function openEgress(egress: Egress): EgressListeners {
  const servers = [
    listen(egress.proxy_port, '127.0.0.1', (client) => {
      readRequest(client, (head, rest) => {
        serveTool(client, head, rest, egress.socket);
      });
    }),
    ...egress.forwards.map((forward) =>
      listen(forward.port, forward.address, (client) => {
        connectThrough(egress.socket, forward, client);
      }),
    ),
  ];
  return {
    opened: Promise.all(servers.map(({ opened }) => opened)).then(([proxy, ...forwards]) => {
      for (const problem of forwards) if (problem !== null) console.error(`cc-docker wrapper: ${problem}`);
      return proxy ?? null;
    }),
    close: () => {
      for (const { server } of servers) server.close();
    },
  };
}

function listen(port: number, host: string, onConnection: (client: Socket) => void) {
  // Half open: a tool that has sent its whole request still waits for the answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
  const opened = new Promise<string | null>((resolve) => {
    server.once('error', (error) => {
      resolve(`nothing can listen on ${host}:${port} in the container: ${error.message}`);
    });
    server.once('listening', () => {
      // A single connection could not be accepted.
      server.on('error', (error) => {
        console.error(`cc-docker wrapper: ${host}:${port}: ${error.message}`);
      });
      resolve(null);
    });
  });
  server.listen(port, host);
  return { server, opened };
}

/**
 * Reads a tool's first request to the proxy.
 *
 * @param done gets its head, and what came behind it. An empty head: it is none, or too long.
 */
function readRequest(client: Socket, done: (head: Buffer, rest: Buffer) => void): void {
  let read = Buffer.alloc(0);
  const finish = (headBytes: number): void => {
    client.off('data', take).off('end', ended).off('timeout', broken).setTimeout(0).pause();
    done(read.subarray(0, headBytes), read.subarray(headBytes));
  };
  const take = (chunk: Buffer): void => {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf(HEAD_END);
    if (end !== -1) finish(end + HEAD_END.length);
    else if (read.length > REQUEST_BYTES || !/^[A-Za-z]+( |$)/.test(read.toString('latin1', 0, 32))) finish(0);
  };
  const ended = (): void => {
    finish(0);
  };
  const broken = (): void => {
    client.destroy();
  };
  client.on('error', broken).on('data', take).once('end', ended).once('timeout', broken).setTimeout(REQUEST_MS);
}

function serveTool(client: Socket, head: Buffer, rest: Buffer, socketPath: string): void {
  const request = parseProxyRequest(head);
  const own = request && ownAddresses(request.host, os.hostname());
  if (request === undefined || own === undefined) {
    const proxy = dialForDownload(socketPath, client);
    join(client, proxy);
    proxy.write(Buffer.concat([request?.kind === 'fetch' ? asOnlyRequest(head) : head, rest]));
    client.pipe(proxy);
    return;
  }
  dialOwn(own, request.port, (server, why) => {
    if (client.destroyed) server?.destroy();
    else if (server === undefined)
      refuseTool(client, `nothing answers on port ${request.port} of this container: ${why}`);
    else {
      join(client, server);
      if (request.kind === 'connect') client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      server.write(request.kind === 'connect' ? rest : Buffer.concat([request.originForm, rest]));
      client.pipe(server);
      server.pipe(client);
    }
  });
}

/** Connects to the first of these addresses of the container that answers. @param done gets no socket: why the first did not */
function dialOwn(addresses: readonly string[], port: number, done: (server: Socket | undefined, why: string) => void) {
  const [host, ...others] = addresses;
  const server = createConnection({ host, port, allowHalfOpen: true, noDelay: true });
  const failed = (error: NodeJS.ErrnoException): void => {
    const why = error.code ?? error.message;
    if (others.length === 0) done(undefined, why);
    else dialOwn(others, port, (other) => done(other, why));
  };
  server.once('error', failed);
  server.once('connect', () => {
    server.off('error', failed);
    done(server, '');
  });
}

function refuseTool(client: Socket, why: string): void {
  client.end(ownAnswer(why));
  // Unread input would turn the close into a reset, and the answer might be lost with it.
  client.resume();
  const late = setTimeout(() => client.destroy(), LINGER_MS);
  client.once('close', () => clearTimeout(late));
}

/** When one end breaks, the other one ends as well. */
function join(client: Socket, proxy: Socket): void {
  const end = (): void => {
    client.destroy();
    proxy.destroy();
  };
  for (const socket of [client, proxy]) socket.on('error', end);
  for (const [one, other] of [
    [client, proxy],
    [proxy, client],
  ] as const)
    // After an orderly close the other end closes by itself. This is for a connection that was cut.
    one.once('close', (failed) => {
      if (failed) other.destroy();
    });
}

/** Plain TCP for a client that knows no proxy. A refusal resets its connection; the proxy reports it as an event. */
function connectThrough(socketPath: string, forward: Forward, client: Socket): void {
  const target = `${forward.host.includes(':') ? `[${forward.host}]` : forward.host}:${forward.port}`;
  const proxy = createConnection({ path: socketPath, allowHalfOpen: true });
  join(client, proxy);
  proxy.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  let answer = Buffer.alloc(0);
  const refuse = (why: string): void => {
    console.error(`cc-docker wrapper: ${target}: ${why}`);
    client.resetAndDestroy();
    proxy.destroy();
  };
  const read = (chunk: Buffer): void => {
    answer = Buffer.concat([answer, chunk]);
    const end = answer.indexOf(HEAD_END);
    if (end === -1) {
      if (answer.length > ANSWER_BYTES) refuse('the proxy answered with too much');
      return;
    }
    proxy.off('data', read).off('end', ended).pause();
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer.toString('latin1', 0, 16))?.[1];
    if (status !== '200') {
      refuse(answer.toString('utf8', end + HEAD_END.length).trim() || `the proxy answered ${status ?? 'nonsense'}`);
      return;
    }
    const rest = answer.subarray(end + HEAD_END.length);
    if (rest.length > 0) proxy.unshift(rest);
    client.pipe(proxy);
    proxy.pipe(client);
  };
  const ended = (): void => {
    refuse('the proxy ended the connection');
  };
  proxy.on('data', read).once('end', ended);
}
