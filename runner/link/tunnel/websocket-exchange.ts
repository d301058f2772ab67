import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import { MAX_SOCKET_MESSAGE, type EdgeTunnelFrame, type Fields } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import { pairs, passOnAnswer } from './answer.ts';
import { refuseFor, type Exchange, type TunnelStream } from './exchange.ts';
import { joinWebSockets } from './join-websockets.ts';
import type { PortPool } from './port-pool.ts';

type Request = Extract<EdgeTunnelFrame, { kind: 'open_websocket' }>;

const HANDSHAKE_MS = 30_000;
const GOING_AWAY = 1001;
const FAILED = 1011;

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

/** Dials a connection to the session for one WebSocket. `end`: it cannot be had, or is over. */
export type DialForSocket = (handlers: { open: () => void; end: () => void }) => WebSocket;

/** A WebSocket to a server of the container. Once it is open, its messages have a connection to the session for themselves. */
export class WebSocketExchange implements Exchange {
  readonly #stream: TunnelStream;
  readonly #dial: DialForSocket;
  #server: WebSocket | undefined;
  #client: WebSocket | undefined;
  #isOver = false;

  constructor(request: Request, pool: PortPool, stream: TunnelStream, dial: DialForSocket) {
    this.#stream = stream;
    this.#dial = dial;
    pool.connect(request.port).then(
      (connection) => this.#shakeHands(request, connection),
      (error: unknown) => {
        if (!this.#isOver) refuseFor(stream, error);
      },
    );
  }

  bytes(_part: Omit<TunnelMessage, 'stream'>, cost: number): void {
    // The session sends none.
    this.#stream.end.taken(cost);
  }

  end(): void {
    // Nor does it end one direction.
  }

  cancel(): void {
    this.#isOver = true;
    this.#server?.terminate();
    if (this.#client?.readyState === WebSocket.OPEN)
      this.#client.close(GOING_AWAY, 'the connection to the server ended');
    else this.#client?.terminate();
  }

  #shakeHands({ path, headers, protocols, port }: Request, connection: Socket): void {
    if (this.#isOver) return void connection.destroy();
    const server = new WebSocket(`ws://localhost:${port}${path}`, protocols, {
      createConnection: () => connection,
      headers: asRecord(withoutHandshake(headers)),
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_SOCKET_MESSAGE,
    });
    this.#server = server;
    connection.resume();
    server.once('upgrade', (response: IncomingMessage) => {
      const fields = withoutHandshake(pairs(response.rawHeaders));
      const { 'sec-websocket-protocol': protocol } = response.headers;
      if (protocol !== undefined) fields.push(['sec-websocket-protocol', protocol]);
      this.#stream.head(101, fields);
    });
    server.once('open', () => this.#join(server));
    server.once('unexpected-response', (_request, response: IncomingMessage) => this.#passOn(response));
    server.on('error', (error) => {
      // Once it is open, `close` follows.
      if (this.#client !== undefined || this.#isOver) return;
      this.#isOver = true;
      refuseFor(this.#stream, error);
    });
  }

  #join(server: WebSocket): void {
    // What it says at once waits for the client's connection.
    server.pause();
    let isJoined = false;
    const client = this.#dial({
      open: () => {
        isJoined = true;
        // It broke off while the connection was made: nothing would say so any more.
        if (server.readyState === WebSocket.CLOSED) {
          client.close(FAILED, 'the server broke off');
          return this.#over();
        }
        joinWebSockets(server, client, () => this.#over());
        server.resume();
      },
      end: () => {
        if (isJoined) return;
        server.terminate();
        if (this.#isOver) return;
        this.#isOver = true;
        this.#stream.reset('The runner could not connect the WebSocket.');
      },
    });
    this.#client = client;
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.end.end();
    this.#stream.finish();
  }

  /** The server answers the handshake with something else: with an error, or a redirect. */
  #passOn(response: IncomingMessage): void {
    if (this.#isOver) return void response.destroy();
    this.#stream.head(response.statusCode ?? 502, endToEnd(pairs(response.rawHeaders)));
    passOnAnswer(response, this.#stream, () => {
      this.#server?.terminate();
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
