import { createServer, type RequestListener } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { freePort } from '../../net/free-port.ts';
import { close, listen } from '../../net/listen.ts';

/** A site that a session may reach, and around it, on the same machine, what it may not. */
export interface Bait {
  /** The site: `127.0.0.3`, this port. */
  readonly sitePort: number;
  /** The bait: this port on every loopback address; and the site's on those that are not the site's. */
  readonly baitPort: number;
  /** An abstract unix socket. */
  readonly abstract: string;
  /** What was taken of the bait: a line for each connection. */
  readonly taken: string[];
  close(): Promise<void>;
}

export const SITE_ADDRESS = '127.0.0.3';

export async function layBait(): Promise<Bait> {
  const taken: string[] = [];
  const abstract = `cc-docker-bait-${crypto.randomUUID()}`;
  const make = (where: string) => {
    const server = createServer((_, response) => response.end('BAIT-TAKEN\n'));
    server.on('connection', () => taken.push(where));
    return server;
  };
  const loopbacks = ['127.0.0.1', SITE_ADDRESS, ...(hasIPv6Loopback() ? ['::1'] : [])];
  const sitePort = await freePort(...loopbacks);
  const baitPort = await freePort(...loopbacks);
  const site = createServer(serveSite);
  await listen(site, SITE_ADDRESS, sitePort);
  const servers = [site];
  const around = loopbacks.flatMap((address) => [sitePort, baitPort].map((port) => ({ address, port })));
  for (const { address, port } of around) {
    if (address === SITE_ADDRESS && port === sitePort) continue;
    const server = make(`${address} ${port}`);
    await listen(server, address, port);
    servers.push(server);
  }
  const socket = createNetServer(() => taken.push('abstract'));
  await new Promise<void>((resolve) => socket.listen(`\0${abstract}`, resolve));
  return {
    sitePort,
    baitPort,
    abstract,
    taken,
    close: async () => {
      await Promise.all([...servers.map((server) => close(server)), close(socket)]);
    },
  };
}

export function hasIPv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((card) => card?.some(({ address }) => address === '::1'));
}

const serveSite: RequestListener = (request, response) => {
  const url = new URL(request.url ?? '/', 'http://site.test');
  const to = url.searchParams.get('to');
  const { host, authorization } = request.headers;
  if (url.pathname === '/redirect' && to !== null) response.writeHead(302, { location: to }).end();
  else
    response.end(`SITE-REACHED ${JSON.stringify({ host, method: request.method, url: request.url, authorization })}\n`);
};
