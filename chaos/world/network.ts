import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../bench/simulate/random.ts';
import { close, listen } from '../../test/support/net/listen.ts';

/** The longest delay of a connection while the network is slow, milliseconds. What is sent on two of them arrives in another order then. */
const SLOWEST_MS = 300;

/** The network before the edge, through which the runner and all clients reach it. It can be cut, be silent, and be slow. */
export class Network {
  readonly #server: Server;
  readonly #random: Random;
  readonly #open = new Set<Socket>();
  #target: URL | null = null;
  #isSlow = false;
  /** Resolves when bytes pass again. */
  #passes: Promise<void> = Promise.resolve();
  url = '';

  private constructor(seed: number) {
    this.#random = new Random(seed);
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#carry(client));
  }

  static async open(seed: number): Promise<Network> {
    const network = new Network(seed);
    network.url = `http://127.0.0.1:${await listen(network.#server, '127.0.0.1')}`;
    return network;
  }

  /** Where it leads. @returns the address that leads there */
  leadTo(url: string): string {
    this.#target = new URL(url);
    return this.url;
  }

  /** Breaks every connection: half of them as if the other end had crashed. */
  cut(): void {
    for (const socket of this.#open) {
      if (this.#random.is(0.5)) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Nothing passes, and nobody is told. */
  async stall(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#passes = promise;
    await pause(ms);
    resolve();
  }

  /** Each connection has a delay of its own. */
  async slow(ms: number): Promise<void> {
    this.#isSlow = true;
    await pause(ms);
    this.#isSlow = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await close(this.#server);
  }

  #carry(client: Socket): void {
    if (this.#target === null) return void client.destroy();
    const { hostname, port } = this.#target;
    const server = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const delayMs = this.#random.next() * SLOWEST_MS;
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.setNoDelay(true);
      // Its other end broke: that is what this is for. `close` follows.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#open.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    void this.#pass(client, server, delayMs);
    void this.#pass(server, client, delayMs);
  }

  async #pass(from: Socket, to: Socket, delayMs: number): Promise<void> {
    try {
      for await (const chunk of from) {
        await this.#passes;
        if (this.#isSlow) await pause(delayMs);
        if (to.destroyed) return;
        if (!to.write(chunk)) await Promise.race([drained(to), closed(to)]);
      }
      to.end();
    } catch {
      // The connection was cut; `close` ends the other half.
      to.destroy();
    }
  }
}

const drained = (socket: Socket) => new Promise<void>((resolve) => socket.once('drain', resolve));
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));
