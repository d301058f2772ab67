import { createServer, type Server, type Socket } from 'node:net';
import { listen } from '../net/listen.ts';

/** Takes connections and says nothing, ever. */
export class SilentServer {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Socket[];

  private constructor(server: Server, sockets: Socket[], port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<SilentServer> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      // Who hangs up may do so in any way.
      socket.on('error', () => {});
      sockets.push(socket);
    });
    return new SilentServer(server, sockets, await listen(server, '127.0.0.1'));
  }

  /** How many connections there were. */
  get connections(): number {
    return this.#sockets.length;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
