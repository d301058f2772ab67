import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import type { StreamTarget } from '../../../protocol/link/tunnel/target.ts';
import {
  streamHello,
  streamReport,
  type StreamHello,
  type StreamOrder,
} from '../../../protocol/link/tunnel/streams.ts';
import { MAX_STREAM_LINE } from '../../../protocol/settings/limits.ts';
import type { Log } from '../../lib/log.ts';
import { listenOnUnixSocket } from '../../lib/streams/unix-socket.ts';
import { LineSplitter } from '../relay/line-splitter.ts';

/** Connections that have not said yet what they are for. Anyone in the container can make them. */
const MAX_UNKNOWN = 64;
/** Time for a connection's first line, milliseconds. */
const HELLO_MS = 5_000;
/** Longest first line, bytes. */
const MAX_HELLO = 256;
/** Time for the wrapper's control connection, milliseconds: it comes back within two seconds after a break. */
const CONTROL_MS = 5_000;
/** From an order until the stream is there, milliseconds. */
const OPEN_MS = 15_000;
/** Orders that wait for their stream. The tunnel asks for no more. */
const MAX_ORDERS = 256;

/** The container, or this end, refuses a stream. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
  readonly code: string;

  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

interface Order {
  readonly opened: (connection: Socket) => void;
  readonly failed: (error: StreamRefused) => void;
}

/**
 * The runner's end of a container's streams: a unix socket, to which the wrapper makes a connection for each stream that `open`
 * asks for. Whatever else connects in the container gains nothing: it can only answer in place of servers that are its own.
 */
export class StreamServer {
  readonly #log: Log;
  readonly #orders = new Map<string, Order>();
  readonly #connections = new Set<Socket>();
  readonly #streams = new Map<string, Socket>();
  #unknown = 0;
  #control: Socket | undefined;
  #onControl: (() => void)[] = [];
  #stop: () => Promise<void> = async () => {};
  #closing: Promise<void> | undefined;

  private constructor(log: Log) {
    this.#log = log;
  }

  /** @throws when the socket cannot be opened */
  static async open(path: string, log: Log): Promise<StreamServer> {
    const streams = new StreamServer(log);
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) => streams.#take(socket));
    streams.#stop = await listenOnUnixSocket(server, path);
    return streams;
  }

  /**
   * Asks the container for a stream. It is paused, until `resume`.
   *
   * @throws StreamRefused
   */
  async open(target: StreamTarget): Promise<Socket> {
    const control = this.#control ?? (await this.#nextControl());
    if (this.#orders.size >= MAX_ORDERS)
      throw new StreamRefused('too_many_streams', 'Too many streams are being opened.');
    const id = randomBytes(16).toString('base64url');
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const late = setTimeout(() => {
      this.#order({ kind: 'cancel', id });
      reject(new StreamRefused('timeout', `The container did not open the stream within ${OPEN_MS / 1000} s.`));
    }, OPEN_MS);
    this.#orders.set(id, { opened: resolve, failed: reject });
    control.write(line({ kind: 'open', id, target }));
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#orders.delete(id);
    }
  }

  /** Ends all streams, and accepts none. */
  async close(): Promise<void> {
    this.#closing ??= this.#stop();
    for (const connection of this.#connections) connection.destroy();
    this.#failOrders();
    for (const wake of this.#onControl.splice(0)) wake();
    await this.#closing;
  }

  async #nextControl(): Promise<Socket> {
    if (this.#closing === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onControl.push(resolve);
      const late = setTimeout(resolve, CONTROL_MS);
      await promise;
      clearTimeout(late);
    }
    if (this.#control !== undefined) return this.#control;
    const detail =
      'The container does not come for streams. One that was started by an earlier version has none until it starts anew.';
    throw new StreamRefused('container_outdated', detail);
  }

  #order(order: StreamOrder): void {
    if (this.#control?.destroyed === false) this.#control.write(line(order));
  }

  #failOrders(): void {
    for (const { failed } of this.#orders.values())
      failed(new StreamRefused('tunnel_broken', 'The container’s connection broke.'));
    this.#orders.clear();
  }

  /** A connection has come. Its first line says what it is for. */
  #take(socket: Socket): void {
    socket.on('error', (error) => this.#log.debug('a stream’s connection failed', { error }));
    if (this.#closing !== undefined || this.#unknown >= MAX_UNKNOWN) return void socket.destroy();
    this.#connections.add(socket);
    this.#unknown += 1;
    let isKnown = false;
    const known = (): void => {
      if (isKnown) return;
      isKnown = true;
      clearTimeout(late);
      this.#unknown -= 1;
    };
    const late = setTimeout(() => socket.destroy(), HELLO_MS);
    socket.once('close', () => {
      known();
      this.#connections.delete(socket);
    });
    let read = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      const end = read.indexOf(10);
      if (end === -1 && read.length <= MAX_HELLO) return;
      socket.off('data', onData).pause();
      known();
      const hello = end === -1 || end > MAX_HELLO ? undefined : parse(streamHello, read.toString('utf8', 0, end));
      if (end + 1 < read.length) socket.unshift(read.subarray(end + 1));
      if (hello === undefined) socket.destroy();
      else if (hello.kind === 'control') this.#takeControl(socket);
      else this.#takeStream(socket, hello);
    };
    socket.on('data', onData);
  }

  #takeControl(socket: Socket): void {
    // It comes again. Whoever is first keeps the place while its connection lives.
    if (this.#control !== undefined) return void socket.destroy();
    this.#control = socket;
    const lines = new LineSplitter(MAX_STREAM_LINE);
    socket.on('data', (chunk: Buffer) => {
      const read = lines.push(chunk);
      if (read === undefined) socket.destroy();
      for (const text of read ?? []) {
        const report = parse(streamReport, text);
        // One of a newer wrapper.
        if (report === undefined) continue;
        if (report.kind === 'refused')
          this.#orders.get(report.id)?.failed(new StreamRefused(report.code, report.detail));
        else this.#streams.get(report.id)?.destroy(new Error('the server in the container broke off'));
      }
    });
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      this.#control = undefined;
      this.#failOrders();
    });
    socket.resume();
    for (const wake of this.#onControl.splice(0)) wake();
  }

  #takeStream(socket: Socket, { id }: Extract<StreamHello, { kind: 'stream' }>): void {
    const order = this.#orders.get(id);
    if (order === undefined) return void socket.destroy();
    // Nobody else gets it.
    this.#orders.delete(id);
    this.#streams.set(id, socket);
    socket.once('close', () => {
      this.#streams.delete(id);
      // Cut by this end: what it leads to is not to go on for nobody.
      if (!socket.readableEnded) this.#order({ kind: 'cancel', id });
    });
    order.opened(socket);
  }
}

const line = (order: StreamOrder): string => `${JSON.stringify(order)}\n`;

function parse<Frame>(
  schema: { safeParse(value: unknown): { data?: Frame | undefined } },
  text: string,
): Frame | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
