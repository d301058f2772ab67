import { createServer, connect, type Server, type Socket } from 'node:net';
import { Random } from '../../../bench/simulate/random.ts';
import { close, listen } from '../net/listen.ts';

/** After how many bytes a connection is cut at the latest, from the service: more than any of its frames has, or none would come. */
const MOST_DOWN = 16 * 1024;
/** And to it: an upgrade, or a call. */
const MOST_UP = 512;
/** When nothing has come for this long, milliseconds, there is nothing to cut. */
const IDLE_MS = 20;

interface CutOptions {
  readonly times: number;
  /** Nothing comes on a connection that is to be cut later. What follows may bring something. */
  readonly onIdle: () => void;
  /** All are made. */
  readonly onEnd: () => void;
}

/**
 * A TCP proxy that cuts connections: each after a generated number of bytes from the service, or to it, short ones and long ones
 * alike. One cut in two looks as if the other end had closed it in order, the other one as if it had crashed.
 */
export class FaultProxy {
  readonly #target: URL;
  readonly #random: Random;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #cutting: CutOptions | null = null;
  url = '';
  /** Cuts so far at a generated position. */
  cuts = 0;

  private constructor(target: string, seed: number) {
    this.#target = new URL(target);
    this.#random = new Random(seed);
    this.#server = createServer((client) => this.#carry(client));
  }

  static async start(target: string, seed: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, seed);
    proxy.url = `http://127.0.0.1:${await listen(proxy.#server, '127.0.0.1')}`;
    return proxy;
  }

  /** Cuts each connection from now on, until it has cut so many. */
  cut(options: CutOptions): void {
    this.#cutting = options;
  }

  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await close(this.#server);
  }

  #carry(client: Socket): void {
    const { hostname, port } = this.#target;
    const server = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => {
        this.#open.delete(socket);
        client.destroy();
        server.destroy();
      });
      // Its other end went: that is what this is for. `close` follows.
      socket.on('error', () => undefined);
    }
    const cutting = this.#cutting;
    if (cutting === null) client.pipe(server).pipe(client);
    else this.#cutLater(client, server, cutting);
  }

  #cutLater(client: Socket, server: Socket, { times, onIdle, onEnd }: CutOptions): void {
    const isUp = this.#random.is(0.3);
    const isAbrupt = this.#random.is(0.5);
    let room = Math.floor((isUp ? MOST_UP : MOST_DOWN) ** this.#random.next());
    let isCut = false;
    const cut = () => {
      if (isCut) return;
      isCut = true;
      server.destroy();
      if (isAbrupt) client.resetAndDestroy();
      else client.end(() => client.destroy());
    };
    let idle = 0;
    client.setTimeout(IDLE_MS);
    client.on('timeout', () => {
      idle += 1;
      client.setTimeout(IDLE_MS);
      // It waits for what never comes, such as more of a request.
      if (isUp || idle > 10) cut();
      else onIdle();
    });
    const carry = (from: Socket, to: Socket, isCounted: boolean) =>
      from.on('data', (chunk) => {
        if (isCut) return;
        idle = 0;
        const passed = isCounted ? chunk.subarray(0, room) : chunk;
        if (isCounted) room -= passed.length;
        to.write(passed, () => {
          if (!isCounted || room > 0 || isCut) return;
          cut();
          this.cuts += 1;
          if (this.cuts < times) return;
          this.#cutting = null;
          if (this.cuts === times) onEnd();
        });
      });
    carry(client, server, isUp);
    carry(server, client, !isUp);
  }
}
