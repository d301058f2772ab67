import http2, { type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import net from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import {
  ANSWERS_PATH,
  ARRIVAL_PATH,
  DONE_PATH,
  MAX_ARRIVAL,
  ORDERS_PATH,
  PORTER_OWN_STREAMS,
  PORTER_SERVICES,
  PORTER_SOCKETS,
  RUN_PATH,
  STORE_PATH,
  REQUESTS_PATH,
  porterArrival,
  type PorterArrival,
} from '../../protocol/link/porter.ts';
import { keepAlive } from '../lib/streams/keep-alive.ts';
import { splice } from '../lib/streams/splice.ts';
import { StoreService } from './store-service.ts';
import { packRunFiles } from './run-files.ts';
import type { PorterFiles } from './porter-files.ts';

/** Bytes that may be on their way in one stream, and in all of a connection. */
const STREAM_WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 16 * STREAM_WINDOW;
/** Limit of what HTTP/2 keeps of a connection, megabytes. */
const SESSION_MB = 32;

/** What a porter that has arrived may use. */
export interface Admitted {
  /** The folder with the session's sockets. */
  run: string;
  /** The session's folder. */
  root: string;
  files: PorterFiles;
}

export interface PorterConnectionOptions {
  /** Its handshake is done. */
  socket: TLSSocket;
  /** Connections to the session's sockets that it may have at a time. */
  streams: number;
  /** It wanted one more. */
  onRefused: () => void;
  /** Decides on the first request. Undefined: not welcome. Who is, is from now on this connection's. */
  admit: (arrival: PorterArrival, connection: PorterConnection) => Promise<Admitted | undefined>;
  onClose: () => void;
}

/** One connection of a porter. Whoever it does not know is closed without a word. */
export class PorterConnection {
  readonly #options: PorterConnectionOptions;
  readonly #session: ServerHttp2Session;
  #admitted: Admitted | undefined;
  #store: StoreService | undefined;
  /** The porter listens here. */
  #listener: ServerHttp2Stream | undefined;
  readonly #orders = new Map<number, PromiseWithResolvers<void>>();
  #lastOrder = 0;
  /** Connections to the session's sockets that are open. */
  #services = 0;
  #arriving = false;
  #pings: NodeJS.Timeout | undefined;

  constructor(options: PorterConnectionOptions) {
    this.#options = options;
    this.#session = http2.performServerHandshake(options.socket, {
      maxSessionMemory: SESSION_MB,
      maxHeaderListPairs: 16,
      settings: {
        enablePush: false,
        // One request, until it is known who asks.
        maxConcurrentStreams: 1,
        maxHeaderListSize: 4096,
        initialWindowSize: STREAM_WINDOW,
      },
    });
    // `close` follows.
    this.#session.on('error', () => {});
    this.#session.on('close', () => {
      clearInterval(this.#pings);
      for (const order of this.#orders.values()) order.reject(new Error('the connection of the porter broke'));
      options.socket.destroy();
      options.onClose();
    });
    this.#session.on('stream', (stream, headers) => this.#onStream(stream, headers));
  }

  /** Ends the connection and all that it carries, at once. */
  close(): void {
    this.#session.destroy();
    this.#options.socket.destroy();
  }

  /** The porter saves the session's files now. Resolves when they are in the shuttle. @throws when it cannot, or is gone */
  async saveFiles(signal: AbortSignal): Promise<void> {
    // Those before it may have taken all its time.
    signal.throwIfAborted();
    const listener = this.#listener;
    if (listener === undefined || listener.closed) throw new Error('the porter does not listen');
    const order = Promise.withResolvers<void>();
    this.#lastOrder += 1;
    const number = this.#lastOrder;
    this.#orders.set(number, order);
    const onAbort = (): void => order.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    listener.write(`${number}\n`);
    try {
      await order.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#orders.delete(number);
    }
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => {});
    const path = headers[':path'];
    if (this.#admitted !== undefined) return this.#serve(stream, headers, this.#admitted);
    if (this.#arriving || headers[':method'] !== 'POST' || path !== ARRIVAL_PATH) return this.close();
    this.#arriving = true;
    // Whatever fails here, who has not arrived learns nothing of it.
    this.#arrive(stream).catch(() => this.close());
  }

  async #arrive(stream: ServerHttp2Stream): Promise<void> {
    const arrival = porterArrival.safeParse(JSON.parse(await readText(stream)));
    const admitted = arrival.success ? await this.#options.admit(arrival.data, this) : undefined;
    if (admitted === undefined || this.#session.destroyed) return this.close();
    this.#admitted = admitted;
    this.#store = new StoreService(admitted.root);
    this.#session.settings({ maxConcurrentStreams: this.#options.streams + PORTER_OWN_STREAMS });
    this.#session.setLocalWindowSize(CONNECTION_WINDOW);
    this.#pings = keepAlive(this.#session, () => this.close());
    stream.respond({ ':status': 200 });
    stream.end();
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, { run, files }: Admitted): void {
    const path = headers[':path'];
    if (path === RUN_PATH) return void this.#sendRunFiles(stream, run);
    if (path === STORE_PATH) return void this.#safely(stream, this.#store?.serve(stream, headers));
    if (path === DONE_PATH) return void this.#safely(stream, this.#done(stream));
    if (path === ORDERS_PATH) {
      this.#listener = stream;
      stream.respond({ ':status': 200 });
      return;
    }
    if (path === REQUESTS_PATH) return files.listens(stream);
    if (path?.startsWith(ANSWERS_PATH) === true) return files.answers(path.slice(ANSWERS_PATH.length), stream);
    const service = PORTER_SERVICES.find((name) => path === `/${name}`);
    if (service === undefined) return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    if (this.#services >= this.#options.streams) {
      this.#options.onRefused();
      return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    }
    this.#services += 1;
    stream.once('close', () => (this.#services -= 1));
    const socket = net.connect({ path: `${run}/${PORTER_SOCKETS[service]}`, allowHalfOpen: true });
    socket.once('connect', () => {
      if (!stream.headersSent && !stream.destroyed) stream.respond({ ':status': 200 });
    });
    // The socket is not there, yet or any more: the stream is cancelled.
    splice(socket, stream);
  }

  async #done(stream: ServerHttp2Stream): Promise<void> {
    const report = await this.#store?.done(stream);
    const order = report === undefined || report.order === null ? undefined : this.#orders.get(report.order);
    if (report?.problem === null) order?.resolve();
    else order?.reject(new Error(report?.problem));
  }

  /** What the porter asks may be wrong, or the disk full: its stream is broken off, and it may ask again. */
  async #safely(stream: ServerHttp2Stream, work: Promise<void> | undefined): Promise<void> {
    try {
      await work;
    } catch {
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    }
  }

  async #sendRunFiles(stream: ServerHttp2Stream, run: string): Promise<void> {
    try {
      const files = await packRunFiles(run);
      stream.respond({ ':status': 200 });
      await pipeline(files, stream);
    } catch {
      // It is broken off, and the porter asks again.
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    }
  }
}

/** @throws when it is longer than an arrival can be */
async function readText(stream: ServerHttp2Stream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ARRIVAL) throw new Error('the arrival is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
