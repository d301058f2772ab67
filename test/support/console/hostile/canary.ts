import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** A server that nobody may ask for anything. */
export interface Canary {
  /** As it stands in an address. */
  readonly host: string;
  /** What it was asked for. */
  readonly heard: readonly string[];
  readonly stop: () => Promise<void>;
}

/** Starts it on loopback, the one address that the tests' browser can reach. */
export async function startCanary(): Promise<Canary> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.end();
  });
  server.on('connection', () => heard.push('a connection'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { host: `127.0.0.1:${port}`, heard, stop };
}
