import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { Wire } from './wire.ts';

/** Where a relay dials its session: it lets one connection in when asked to, and refuses all others. */
export class DataSocketServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  #letIn: ((wire: Wire) => void) | undefined;

  static async open(): Promise<DataSocketServer> {
    const server = new DataSocketServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  private constructor() {
    this.#server = createServer();
    this.#server.on('upgrade', (request, socket, head) => {
      const letIn = this.#letIn;
      this.#letIn = undefined;
      if (letIn === undefined) {
        socket.end('HTTP/1.1 503 No\r\nconnection: close\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        const wire = new Wire(
          (text) => ws.send(text),
          (code) => ws.close(code),
        );
        ws.on('message', (data: Buffer) => {
          for (const line of data.toString().split('\n')) wire.came(line);
        });
        ws.on('error', () => {});
        ws.on('close', (code) => wire.ended(code));
        letIn(wire);
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next connection. */
  async accept(): Promise<Wire> {
    return await new Promise((resolve) => {
      this.#letIn = resolve;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
