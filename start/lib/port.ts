import { once } from 'node:events';
import { createServer } from 'node:net';
import { errorCode } from './file-error.ts';
import type { Refused } from './refused.ts';

/**
 * Checks that the service can listen there, before anything is started.
 *
 * @param port 0: any free one
 * @returns the port to listen on
 */
export async function claimPort(host: string, port: number): Promise<{ port: number } | Refused> {
  const probe = createServer();
  try {
    probe.listen({ host, port, exclusive: true });
    await once(probe, 'listening');
  } catch (error) {
    return { refused: whyNot(host, port, error) };
  }
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return { port: address.port };
}

function whyNot(host: string, port: number, error: unknown): string {
  switch (errorCode(error) ?? '') {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use: stop what uses it, or set PORT`;
    case 'EACCES':
      return `port ${port} on ${host} is not permitted to this user: set PORT to 1024 or above`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST ${host} is not an address of this machine: 127.0.0.1 always is`;
    default:
      return `cannot listen on ${host}, port ${port}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The URL by which this machine reaches a service that listens on `host`. */
export function localUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
