import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeAuthority } from '../secrets/servers.ts';
import { PushService, type Pushed } from './push-service.ts';

/** The stand-in push service over https on loopback, for an edge that trusts `authorityFile` and may reach it (`WEBHOOK_ALLOW`). */
export class PushServer {
  readonly authorityFile: string;
  readonly #service: PushService;
  readonly #port: number;
  readonly stop: () => void;

  private constructor(authorityFile: string, service: PushService, port: number, stop: () => void) {
    this.authorityFile = authorityFile;
    this.#service = service;
    this.#port = port;
    this.stop = stop;
  }

  /** @param folder where its authority's certificate is put */
  static async start(folder: string): Promise<PushServer> {
    const authority = await makeAuthority(folder);
    const service = new PushService();
    const context = await authority.leaf('localhost');
    let origin = '';
    const server = createServer((request, response) => void answer(service, origin, request, response));
    const sockets = createTcpServer((raw) => {
      const socket = new TLSSocket(raw, { isServer: true, secureContext: context });
      socket.on('error', () => raw.destroy());
      socket.once('secure', () => server.emit('connection', socket));
    });
    sockets.listen(0, '127.0.0.1');
    await once(sockets, 'listening');
    const { port } = sockets.address() as AddressInfo;
    origin = `https://localhost:${port}`;
    const file = path.join(folder, 'push-authority.pem');
    await writeFile(file, authority.certificate);
    return new PushServer(file, service, port, () => {
      sockets.close();
      server.closeAllConnections();
    });
  }

  /** Subscribes a device to the sender with this key. */
  subscribe(sender: string): { endpoint: string; keys: { p256dh: string; auth: string } } {
    return this.#service.subscribe(`https://localhost:${this.#port}/${randomUUID()}`, sender);
  }

  /** What has come to a device, decrypted, the oldest first. */
  pushed(endpoint: string): readonly Pushed[] {
    return this.#service.pushed(endpoint);
  }
}

async function answer(
  service: PushService,
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const call = { method: request.method ?? '', url: origin + (request.url ?? ''), headers, body: Buffer.concat(parts) };
  const { status, body, headers: more } = await service.receive(call);
  response.writeHead(status, more).end(body);
}
