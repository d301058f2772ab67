import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import { MAX_SOCKET_MESSAGE, type Fields } from '../../../protocol/link/tunnel/frames.ts';
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

/** What a client may have sent and the server not taken, bytes. A client cannot be held back, so it is then cut off. */
const MAX_WAITING = 4 * 1024 * 1024;

const TOO_LARGE = 1009;
const TRY_LATER = 1013;

/** A WebSocket between a client and a server of the container: messages, subprotocol and close codes as they are. */
export class WebSocketExchange implements Exchange {
  readonly #stream: TunnelStream;
  /** Takes what the server answers instead of a WebSocket: an error, or a redirect. */
  readonly #plain: HttpExchange;
  readonly #answer = Promise.withResolvers<Response | TunnelRefusal>();
  #socket: WebSocket | null = null;
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #isOver = false;

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
    if (head.status !== 101) return this.#plain.head(head);
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.binaryType = 'arraybuffer';
    this.#socket = server;
    server.addEventListener('message', ({ data }) => this.#fromClient(data as string | ArrayBuffer));
    server.addEventListener('close', ({ code, reason, wasClean }) => this.#closedByClient(code, reason, wasClean));
    server.addEventListener('error', () => this.#closedByClient(1006, '', false));
    const headers = new Headers();
    for (const [name, value] of endToEnd(head.headers)) headers.append(name, value);
    this.#answer.resolve(new Response(null, { status: 101, webSocket: client, headers }));
  }

  opened(): void {
    // A handshake is answered by a head.
  }

  bytes(part: Omit<TunnelMessage, 'stream'>, cost: number): void {
    const socket = this.#socket;
    if (socket === null) return this.#plain.bytes(part, cost);
    this.#stream.end.taken(cost);
    this.#parts.push(part.bytes);
    this.#partsBytes += part.bytes.byteLength;
    if (this.#partsBytes > MAX_SOCKET_MESSAGE) return this.#cut(TOO_LARGE, 'a message is too large');
    if (part.more) return;
    const message = joined(this.#parts, this.#partsBytes);
    this.#parts = [];
    this.#partsBytes = 0;
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(part.kind === 'text' ? new TextDecoder().decode(message) : message);
  }

  end({ code, reason }: StreamClose): void {
    if (this.#socket === null) return this.#plain.end();
    this.#isOver = true;
    this.#stream.finish();
    this.#close(code, reason);
  }

  denied(refusal: TunnelRefusal): void {
    this.#isOver = true;
    this.#plain.denied(refusal);
  }

  broken(detail: string): void {
    if (this.#socket === null) return this.#plain.broken(detail);
    this.#isOver = true;
    // As a server that goes away.
    this.#close(1011, 'the connection to the server broke');
  }

  #fromClient(data: string | ArrayBuffer): void {
    if (this.#isOver) return;
    const isText = typeof data === 'string';
    const bytes = isText ? new TextEncoder().encode(data) : new Uint8Array(data);
    if (bytes.byteLength > MAX_SOCKET_MESSAGE) return this.#cut(TOO_LARGE, 'a message is too large');
    void this.#stream.end.send(isText ? 'text' : 'binary', bytes);
    if (this.#stream.end.waiting > MAX_WAITING) this.#cut(TRY_LATER, 'the server does not read fast enough');
  }

  #closedByClient(code: number, reason: string, wasClean: boolean): void {
    if (this.#isOver) return this.#close(1000);
    if (!wasClean || code === 1006) {
      this.#isOver = true;
      return this.#stream.reset();
    }
    // The server's own close frame ends the stream, and closes the client's connection.
    this.#stream.end.end(code === 1005 ? {} : { code, reason });
  }

  #cut(code: number, reason: string): void {
    this.#isOver = true;
    this.#stream.reset();
    this.#close(code, reason);
  }

  #close(code?: number, reason?: string): void {
    const socket = this.#socket;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    if (code === undefined) socket.close();
    else socket.close(code, reason);
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const message = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    message.set(part, at);
    at += part.byteLength;
  }
  return message;
}
