import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../bench/simulate/random.ts';
import { close, listen } from '../../test/support/net/listen.ts';

/** The longest delay of a connection while the network is slow, milliseconds. What is sent on two of them arrives in another order then. */
const SLOWEST_MS = 300;
/** The most of a connection that is sent a second time, bytes. */
const MOST_TWICE = 65_536;

/**
 * The network before the edge, through which the runner and all clients reach it. It can be cut, be silent, be slow, have connections
 * overtake one another, and send requests twice, as a proxy does that has had no answer. TCP allows no more than this: within a
 * connection, nothing is reordered or doubled.
 */
export class Network {
  readonly #server: Server;
  readonly #random: Random;
  readonly #open = new Set<Socket>();
  #target: URL | null = null;
  #isSlow = false;
  #isReordering = false;
  #sendsTwice = false;
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

  /** Each piece of each connection has another delay: the connections overtake one another again and again. */
  async reorder(ms: number): Promise<void> {
    this.#isReordering = true;
    await pause(ms);
    this.#isReordering = false;
  }

  /** What clients ask for is asked for once more, over another connection. */
  async twice(ms: number): Promise<void> {
    this.#sendsTwice = true;
    await pause(ms);
    this.#sendsTwice = false;
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
    void this.#pass(client, server, delayMs, (chunk) => this.#sendsTwice && this.#sendAgain(chunk, this.#target));
    void this.#pass(server, client, delayMs);
  }

  /** Sends a client's request once more. Not one that goes on for as long as somebody watches, nor a part of a longer one. */
  #sendAgain(request: Buffer, target: URL | null): void {
    if (target === null || request.length > MOST_TWICE || !isWholeRequest(request.toString('latin1'))) return;
    const again = connect({ host: target.hostname, port: Number(target.port) });
    this.#open.add(again);
    again.on('error', () => undefined);
    again.on('close', () => this.#open.delete(again));
    // The answer is nobody's.
    again.once('data', () => again.destroy());
    again.write(request);
  }

  async #pass(from: Socket, to: Socket, delayMs: number, onPassed: (chunk: Buffer) => void = () => {}): Promise<void> {
    try {
      for await (const chunk of from) {
        await this.#passes;
        if (this.#isSlow) await pause(delayMs);
        if (this.#isReordering) await pause(this.#random.next() * SLOWEST_MS);
        if (to.destroyed) return;
        if (!to.write(chunk)) await Promise.race([drained(to), closed(to)]);
        onPassed(chunk);
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

/** Whether these bytes are one request that changes something, with all of its body. */
function isWholeRequest(text: string): boolean {
  if (!/^(POST|DELETE|PATCH) \S+ HTTP\/1\.1\r\n/.test(text)) return false;
  const end = text.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1] ?? '0';
  return end !== -1 && text.length === end + 4 + Number(length);
}
