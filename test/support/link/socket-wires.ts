import { once } from 'node:events';
import net from 'node:net';
import { Wire } from './wire.ts';

/** The wire of a unix socket: one frame a line. */
export function wireOf(socket: net.Socket): Wire {
  const wire = new Wire(
    (text) => socket.write(`${text}\n`),
    () => socket.end(),
  );
  let pending = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) wire.came(line);
  });
  // Of an end that has dropped the connection while it was written to.
  socket.on('error', () => {});
  socket.on('close', () => wire.ended(0));
  return wire;
}

/** Accepts one connection on a unix socket. Before and after, nobody listens there. */
export async function acceptOne(path: string): Promise<net.Socket> {
  const server = net.createServer();
  server.listen(path);
  const [socket]: net.Socket[] = await once(server, 'connection');
  server.close();
  if (socket === undefined) throw new Error('unreachable');
  return socket;
}
