import http, { type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { StreamTarget } from '../../../protocol/link/tunnel/target.ts';

/** How long a connection to a server is kept for the next request, milliseconds; less when the server says so. */
const KEEP_MS = 4_000;
/** Kept connections to one port. */
const MAX_KEPT = 16;

/** Makes the connections of Node's client through the container's streams. */
class PortAgent extends http.Agent {
  readonly #connect: (port: number) => Promise<Socket>;

  constructor(connect: (port: number) => Promise<Socket>) {
    super({ keepAlive: true, maxFreeSockets: MAX_KEPT, timeout: KEEP_MS });
    this.#connect = connect;
  }

  override createConnection(
    options: ClientRequestArgs,
    made?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | undefined {
    void this.#make(Number(options.port), made);
    return undefined;
  }

  async #make(port: number, made: ((error: Error | null, stream: Duplex) => void) | undefined): Promise<void> {
    try {
      const connection = await this.#connect(port);
      made?.(null, connection);
      // Its reader is there in the next tick, before this has an effect.
      connection.resume();
    } catch (error) {
      // Node's types want a stream beside an error, too.
      (made as ((error: unknown) => void) | undefined)?.(error);
    }
  }
}

/**
 * Connections to the servers of a container. Not undici's: that dials anew, without end, when a server closes before it was
 * asked.
 */
export class PortPool {
  readonly #open: (target: StreamTarget) => Promise<Socket>;
  /** Keeps connections between requests. How many there are, the tunnel bounds. */
  readonly agent: http.Agent;

  constructor(open: (target: StreamTarget) => Promise<Socket>) {
    this.#open = open;
    this.agent = new PortAgent((port) => this.connect(port));
  }

  /** A connection for itself. @throws StreamRefused */
  connect(port: number): Promise<Socket> {
    return this.#open({ kind: 'port', port });
  }

  close(): void {
    this.agent.destroy();
  }
}
