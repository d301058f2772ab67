import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import { MAX_SOCKET_MESSAGE, type EdgeTunnelFrame, type Fields } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import type { StreamClose } from '../../../protocol/link/tunnel/stream-end.ts';
import { pairs, passOnAnswer } from './answer.ts';
import { refuseFor, type Exchange, type TunnelStream } from './exchange.ts';
import type { PortPool } from './port-pool.ts';

type Request = Extract<EdgeTunnelFrame, { kind: 'open_websocket' }>;

const HANDSHAKE_MS = 30_000;

/** Of the handshake itself, which each side makes for itself. */
const HANDSHAKE: ReadonlySet<string> = new Set([
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'sec-websocket-accept',
]);
const withoutHandshake = (fields: Fields): Fields =>
  endToEnd(fields).filter(([name]) => !HANDSHAKE.has(name.toLowerCase()));

/** A WebSocket to a server of the container. */
export class WebSocketExchange implements Exchange {
  readonly #stream: TunnelStream;
  #socket: WebSocket | undefined;
  /** Parts of a message that is not whole yet. */
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #isOver = false;

  constructor(request: Request, pool: PortPool, stream: TunnelStream) {
    this.#stream = stream;
    pool.connect(request.port).then(
      (connection) => this.#shakeHands(request, connection),
      (error: unknown) => {
        if (!this.#isOver) refuseFor(stream, error);
      },
    );
  }

  bytes({ kind, more, bytes }: Omit<TunnelMessage, 'stream'>, cost: number): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#parts.push(bytes);
    this.#partsBytes += bytes.byteLength;
    if (this.#partsBytes > MAX_SOCKET_MESSAGE) {
      this.cancel();
      return this.#stream.reset('A message is too large.');
    }
    // A message is sent whole, so that its parts may not wait for each other's credit.
    if (more) return this.#stream.end.taken(cost);
    const message = this.#parts.length === 1 ? bytes : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partsBytes = 0;
    socket.send(message, { binary: kind === 'binary' }, () => this.#stream.end.taken(cost));
  }

  end({ code, reason }: StreamClose): void {
    // The server answers with its own close frame, which ends the stream.
    if (code === undefined) this.#socket?.close();
    else this.#socket?.close(code, reason);
  }

  cancel(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }

  #shakeHands({ path, headers, protocols, port }: Request, connection: Socket): void {
    if (this.#isOver) return void connection.destroy();
    const socket = new WebSocket(`ws://localhost:${port}${path}`, protocols, {
      createConnection: () => connection,
      headers: asRecord(withoutHandshake(headers)),
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_SOCKET_MESSAGE,
    });
    this.#socket = socket;
    connection.resume();
    const { end } = this.#stream;
    let isOpen = false;
    socket.once('upgrade', (response: IncomingMessage) => {
      isOpen = true;
      const fields = withoutHandshake(pairs(response.rawHeaders));
      const { 'sec-websocket-protocol': protocol } = response.headers;
      if (protocol !== undefined) fields.push(['sec-websocket-protocol', protocol]);
      this.#stream.head(101, fields);
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => this.#passOn(response));
    socket.on('message', (data: Buffer, isBinary) => {
      void end.send(isBinary ? 'binary' : 'text', data).then(() => {
        if (end.waiting === 0 && socket.isPaused) socket.resume();
      });
      if (end.waiting > 0) socket.pause();
    });
    socket.on('error', (error) => {
      // `close` follows a connection that was open.
      if (isOpen || this.#isOver) return;
      this.#isOver = true;
      refuseFor(this.#stream, error);
    });
    socket.once('close', (code, reason) => {
      if (this.#isOver) return;
      this.#isOver = true;
      // 1005: without a code. 1006: without a close frame.
      if (code === 1006) return this.#stream.reset('The server broke the WebSocket off.');
      end.end(code === 1005 ? {} : { code, reason: reason.toString('utf8') });
      this.#stream.finish();
    });
  }

  /** The server answers the handshake with something else: with an error, or a redirect. */
  #passOn(response: IncomingMessage): void {
    if (this.#isOver) return void response.destroy();
    this.#stream.head(response.statusCode ?? 502, endToEnd(pairs(response.rawHeaders)));
    passOnAnswer(response, this.#stream, () => {
      this.#socket?.terminate();
      if (this.#isOver) return false;
      this.#isOver = true;
      return true;
    });
  }
}

/** Several fields of one name are one, with commas (RFC 9110, 5.3); cookies have a separator of their own. */
function asRecord(fields: Fields): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, value] of fields) {
    const known = record[name];
    record[name] = known === undefined ? value : `${known}${name.toLowerCase() === 'cookie' ? '; ' : ', '}${value}`;
  }
  return record;
}
