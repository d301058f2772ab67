import { createServer } from 'node:net';
import { close, listen } from './listen.ts';

/** Below the ports that the kernel gives to outgoing connections: one of those could have the port when it is bound again. */
const LOWEST = 10_240;
const HIGHEST = 32_000;
const TRIES = 100;

/** A port that can be listened on at each of these addresses, and listened on again after a restart. */
export async function freePort(...addresses: readonly string[]): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await canListen(addresses, port)) return port;
  }
  throw new Error(`none of ${TRIES} ports was free on ${addresses.join(', ')}`);
}

async function canListen(addresses: readonly string[], port: number): Promise<boolean> {
  for (const address of addresses) {
    const server = createServer();
    try {
      await listen(server, address, port);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
      throw error;
    }
    await close(server);
  }
  return true;
}
