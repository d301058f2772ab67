import { createConnection, createServer, type Socket } from 'node:net';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import { dialForDownload } from './download.ts';

type Egress = NonNullable<WrapperLaunch['egress']>;
type Forward = Egress['forwards'][number];

/** Bytes of the proxy's answer to a CONNECT. */
const ANSWER_BYTES = 16 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

/** The container's own ends of the way out. */
export interface EgressListeners {
  /** Settles once each listener listens or has said why not. Why tools cannot find the proxy, or null. */
  opened: Promise<string | null>;
  close(): void;
}

/**
 * Listens on loopback for the container's tools and carries what they say to the runner's proxy, byte for byte. It decides nothing:
 * an agent that goes past it, to the socket itself, meets the same proxy. A forward that cannot listen is said on stderr; its
 * host can still be reached through the proxy.
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

function listen(port: number, host: string, take: (client: Socket) => void) {
  // A tool that has sent all that it wants to say still waits for the answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, take);
  const opened = new Promise<string | null>((resolve) => {
    server.once('error', (error) => {
      resolve(`nothing can listen on ${host}:${port} in the container: ${error.message}`);
    });
    server.once('listening', () => {
      // An error of a single connection that could not be taken.
      server.on('error', (error) => {
        console.error(`cc-docker wrapper: ${host}:${port}: ${error.message}`);
      });
      resolve(null);
    });
  });
  server.listen(port, host);
  return { server, opened };
}

/** Either end's breaking is the other's end. */
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
    // Closed by both sides in order, it has ended by itself already; this is for the half that was cut.
    one.once('close', (failed) => {
      if (failed) other.destroy();
    });
}

/** Plain TCP for a client that knows no proxy. A refusal resets its connection; what was refused is an event of the session. */
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
