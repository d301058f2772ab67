import type { Socket } from 'node:net';
import { Pool, type buildConnector, type Dispatcher } from 'undici';
import type { StreamTarget } from '../../../protocol/link/tunnel/target.ts';

/** An answer's head must come within this time, milliseconds: a server that compiles first takes minutes. */
const HEAD_MS = 600_000;
/** How long a connection to a server is kept for the next request, milliseconds; less when the server says so. */
const KEEP_MS = 4_000;
/** Longest head of an answer, bytes. */
const MAX_HEAD_BYTES = 64 * 1024;

/** Connections to the HTTP servers of a container, kept open between requests. Nothing is decoded or followed. */
export class PortPool {
  readonly #open: (target: StreamTarget) => Promise<Socket>;
  readonly #pools = new Map<number, Dispatcher>();

  constructor(open: (target: StreamTarget) => Promise<Socket>) {
    this.#open = open;
  }

  dispatch(port: number, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    let pool = this.#pools.get(port);
    if (pool === undefined) {
      pool = new Pool(`http://localhost:${port}`, {
        connect: (_options, done) => void this.#connectFor(port, done),
        // The tunnel bounds how many there are. One that waited for another's end would wait for a stream of events.
        connections: null,
        headersTimeout: HEAD_MS,
        bodyTimeout: 0,
        keepAliveTimeout: KEEP_MS,
        maxHeaderSize: MAX_HEAD_BYTES,
        // A server that says less than it announced is cut short, not an error of this process.
        strictContentLength: false,
      });
      this.#pools.set(port, pool);
    }
    pool.dispatch(options, handler);
  }

  async #connectFor(port: number, done: buildConnector.Callback): Promise<void> {
    let socket: Socket;
    try {
      socket = await this.connect(port);
    } catch (error) {
      return done(error instanceof Error ? error : new Error(String(error)), null);
    }
    done(null, socket);
  }

  /** A connection for itself. @throws StreamRefused */
  connect(port: number): Promise<Socket> {
    return this.#open({ kind: 'port', port });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }
}
