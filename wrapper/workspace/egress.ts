import { createConnection, createServer, type Socket } from 'node:net';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import { dialForDownload } from './download.ts';

type Egress = NonNullable<WrapperLaunch['egress']>;
type Forward = Egress['forwards'][number];

/** Largest answer of the proxy to a CONNECT, bytes. */
const ANSWER_BYTES = 16 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

/** The container's ends of the session's egress. */
export interface EgressListeners {
  /** Settles when each listener listens or has failed: with why tools cannot reach the proxy, or null. */
  opened: Promise<string | null>;
  close(): void;
}

/**
 * Listens on loopback for the container's tools and copies their bytes to the runner's proxy. It decides nothing: an agent
 * that connects to the socket itself reaches the same proxy. A forward that cannot listen is logged on stderr; its host can
 * still be reached through the proxy.
 */
export function openEgress(egress: Egress): EgressListeners {
  const servers = [
    listen(egress.proxy_port, '127.0.0.1', (client) => {
      const proxy = dialForDownload(egress.socket, client);
      join(client, proxy);
      client.pipe(proxy);
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
