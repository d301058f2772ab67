import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import type { Fields } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import type { StreamClose } from '../../../protocol/link/tunnel/stream-end.ts';
import type { Exchange, Head, TunnelStream } from './exchange.ts';
import { HttpExchange } from './http-exchange.ts';
import type { TunnelRefusal } from './refusal.ts';

/** The handshake of a WebSocket to a server of the container. */
export interface PortHandshake {
  readonly path: string;
  readonly headers: Fields;
  /** The subprotocols that the client offers. */
  readonly protocols?: readonly string[];
  /** The client has gone before the handshake was answered. */
  readonly signal?: AbortSignal | undefined;
}

/** As a server that goes away. */
const FAILED = 1011;

/**
 * A WebSocket between a client and a server of the container. Its messages do not come through this object: a WebSocket that is
 * sent to from here takes what it gets, however slowly it is read. So the runner dials a connection of its own for it, and the
 * runtime joins that with the client's, each read as fast as the other takes it.
 */
export class WebSocketExchange implements Exchange {
  readonly #stream: TunnelStream;
  /** Takes what the server answers instead of a WebSocket: an error, or a redirect. */
  readonly #plain: HttpExchange;
  readonly #answer = Promise.withResolvers<Response | TunnelRefusal>();
  /** The runner's end of the pair, once there is one; null: there is none, or none any more. */
  readonly #pair = Promise.withResolvers<WebSocket | null>();
  #isJoined = false;
  #isOpen = false;

  constructor({ path, headers, signal }: PortHandshake, stream: TunnelStream) {
    this.#stream = stream;
    this.#plain = new HttpExchange({ method: 'GET', path, headers, body: null, signal }, stream);
    this.#plain.answer.then(
      (answer) => this.#answer.resolve(answer),
      (error: unknown) => this.#answer.reject(error),
    );
  }

  /** Status 101 with the client's end, or what the server answered instead. */
  get answer(): Promise<Response | TunnelRefusal> {
    return this.#answer.promise;
  }

  head(head: Head): void {
    if (head.status !== 101) {
      this.#pair.resolve(null);
      return this.#plain.head(head);
    }
    const { 0: client, 1: runner } = new WebSocketPair();
    this.#pair.resolve(runner);
    this.#isOpen = true;
    const headers = new Headers();
    for (const [name, value] of endToEnd(head.headers)) headers.append(name, value);
    this.#answer.resolve(new Response(null, { status: 101, webSocket: client, headers }));
  }

  /** The runner has dialled for this WebSocket, maybe before its `head` was here. @returns its end; null: it is over, or taken */
  join(): Promise<WebSocket | null> {
    if (this.#isJoined) return Promise.resolve(null);
    this.#isJoined = true;
    return this.#pair.promise;
  }

  opened(): void {
    // A handshake is answered by a head.
  }

  bytes(part: Omit<TunnelMessage, 'stream'>, cost: number): void {
    this.#plain.bytes(part, cost);
  }

  end(_how: StreamClose): void {
    this.#pair.resolve(null);
    if (!this.#isOpen) return this.#plain.end();
    this.#closeUnjoined();
    this.#stream.finish();
  }

  denied(refusal: TunnelRefusal): void {
    this.#plain.denied(refusal);
  }

  /** A connection that the runner has dialled ends by itself. */
  broken(detail: string): void {
    this.#pair.resolve(null);
    if (!this.#isOpen) return this.#plain.broken(detail);
    this.#closeUnjoined();
  }

  #closeUnjoined(): void {
    if (this.#isJoined) return;
    void this.join().then((runner) => {
      runner?.accept();
      runner?.close(FAILED, 'the connection to the server broke');
    });
  }
}
