import { createConnection, type Socket } from 'node:net';
import * as z from 'zod';
import { port as portNumber } from '../../protocol/link/tunnel/target.ts';
import { once } from '../lib/once.ts';
import { joinStream } from './join-stream.ts';
import type { OpenedStream, RefusedStream, StreamOpener } from './streams.ts';

const portTarget = once(() => z.object({ kind: z.literal('port'), port: portNumber }));

/** Where a server of the container listens that wants to be seen: on all addresses, or on loopback of either kind. */
const ADDRESSES = ['127.0.0.1', '::1'];
/** Loopback answers at once, unless the server's backlog is full. Milliseconds. */
const DIAL_MS = 5_000;

/**
 * Streams to a port of the container.
 *
 * @param mayReach whether what listens there is the session's own: always so where it has its network for itself
 */
export function portStreams(mayReach: (port: number) => boolean | Promise<boolean>): StreamOpener {
  return async (target, signal) => {
    const parsed = portTarget().safeParse(target);
    if (!parsed.success) return refused('bad_answer', `not a port: ${JSON.stringify(target).slice(0, 200)}`);
    const { port } = parsed.data;
    if (!(await mayReach(port)))
      return refused('port_forbidden', `What listens on port ${port}, if anything, is not this session's.`);
    const problems: string[] = [];
    for (const host of ADDRESSES) {
      const dialled = await dial(host, port, signal);
      if (typeof dialled !== 'string') return opened(dialled);
      problems.push(dialled);
    }
    // The second address is a fallback, and says the least where there is no IPv6.
    const [why] = problems;
    if (why === 'timeout') return refused('timeout', `The server on port ${port} accepts no connection.`);
    return refused('port_closed', `Nothing listens on port ${port} (${why}).`);
  };
}

const refused = (code: string, detail: string): RefusedStream => ({ refused: { code, detail } });

const opened = (server: Socket): OpenedStream => ({
  accept: (connection, broken) => joinStream(connection, server, broken),
  cancel: () => server.destroy(),
});

/** @returns the connection, or the code of why there is none */
function dial(host: string, port: number, signal: AbortSignal): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, allowHalfOpen: true, noDelay: true, signal });
    const done = (result: Socket | string): void => {
      clearTimeout(late);
      socket.off('error', failed);
      if (typeof result === 'string') {
        socket.on('error', () => {});
        socket.destroy();
      }
      resolve(result);
    };
    const failed = (error: NodeJS.ErrnoException): void => done(error.code ?? error.message);
    const late = setTimeout(() => done('timeout'), DIAL_MS);
    socket.once('error', failed);
    socket.once('connect', () => done(socket));
  });
}
