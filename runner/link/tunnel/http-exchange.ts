import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import type { EdgeTunnelFrame } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import { pairs, passOnAnswer } from './answer.ts';
import { refuseFor, type Exchange, type TunnelStream } from './exchange.ts';
import type { PortPool } from './port-pool.ts';
import { StreamRefused } from './stream-server.ts';

type Request = Extract<EdgeTunnelFrame, { kind: 'open_http' }>;

/** May be sent again on a new connection, when a kept one was closed by the server just as it was used. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** An answer's head must come within this time, milliseconds: a server that compiles first takes minutes. */
const HEAD_MS = 600_000;
/** Longest head of an answer, bytes. */
const MAX_HEAD_BYTES = 64 * 1024;

/** One request to a server of the container, and its answer. */
export class HttpExchange implements Exchange {
  readonly #asked: Request;
  readonly #pool: PortPool;
  readonly #stream: TunnelStream;
  #request: ClientRequest;
  #late: NodeJS.Timeout | undefined;
  #hasHead = false;
  #isOver = false;

  constructor(asked: Request, pool: PortPool, stream: TunnelStream) {
    this.#asked = asked;
    this.#pool = pool;
    this.#stream = stream;
    this.#request = this.#send();
  }

  bytes({ bytes }: Omit<TunnelMessage, 'stream'>, cost: number): void {
    // A server may answer without having read all of the body: then this calls back with an error.
    this.#request.write(bytes, () => this.#stream.end.taken(cost));
  }

  end(): void {
    this.#request.end();
  }

  cancel(): void {
    this.#over();
    this.#request.destroy();
  }

  #send(mayRepeat = REPEATABLE.has(this.#asked.method) && !this.#asked.body): ClientRequest {
    const { port, method, path, headers, body } = this.#asked;
    const request = http.request({
      agent: this.#pool.agent,
      host: 'localhost',
      port,
      method,
      path,
      headers: headers.flat(),
      maxHeaderSize: MAX_HEAD_BYTES,
      setHost: !headers.some(([name]) => name.toLowerCase() === 'host'),
    });
    request.once('response', (response) => this.#answered(response));
    // A server that changes the protocol unasked.
    request.once('upgrade', (_response, socket) => socket.destroy(new Error('it changed the protocol')));
    request.on('error', (error) => {
      if (this.#isOver || this.#request !== request) return;
      if (this.#hasHead) {
        // Also of a body that lasts until the connection ends: to Node it is complete now.
        this.#over();
        this.#stream.reset('The server broke off in the middle of its answer.');
      } else if (mayRepeat && request.reusedSocket) this.#request = this.#send(false);
      else this.#fail(error);
    });
    if (!body) request.end();
    // Node leaves it out where a body is unusual, and the body would be a request of its own.
    else if (!request.hasHeader('content-length')) request.useChunkedEncodingByDefault = true;
    this.#late ??= setTimeout(() => {
      if (!this.#hasHead) this.#request.destroy(new StreamRefused('timeout', 'The server has not answered in time.'));
    }, HEAD_MS);
    return request;
  }

  #answered(response: IncomingMessage): void {
    if (this.#isOver) return void response.destroy();
    this.#hasHead = true;
    clearTimeout(this.#late);
    this.#stream.head(response.statusCode ?? 502, endToEnd(pairs(response.rawHeaders)));
    passOnAnswer(response, this.#stream, () => {
      if (this.#isOver) return false;
      this.#over();
      return true;
    });
  }

  #fail(error: unknown): void {
    this.#over();
    refuseFor(this.#stream, error);
  }

  #over(): void {
    this.#isOver = true;
    clearTimeout(this.#late);
  }
}
