import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import type { Fields } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import { TUNNEL_CHUNK } from '../../../protocol/link/tunnel/stream-end.ts';
import type { Exchange, Head, TunnelStream } from './exchange.ts';
import { BROKEN, GONE, type TunnelRefusal } from './refusal.ts';

/** A request to a server of the container. */
export interface PortRequest {
  readonly method: string;
  /** Path and query, as they are to come to the server. */
  readonly path: string;
  /** All fields for the server, in order. Those of one connection alone are left out. */
  readonly headers: Fields;
  readonly body: ReadableStream<Uint8Array> | null;
  /** The client has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** Answers that have no body, whatever their head says. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** One request and its answer: connects the client's bodies with the stream. Each is read as fast as the other takes it. */
export class HttpExchange implements Exchange {
  readonly #stream: TunnelStream;
  readonly #method: string;
  readonly #answer = Promise.withResolvers<Response | TunnelRefusal>();
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #isOver = false;

  constructor({ method, body, signal }: PortRequest, stream: TunnelStream) {
    this.#stream = stream;
    this.#method = method;
    signal?.addEventListener('abort', () => this.#abandoned(), { once: true });
    if (body !== null) void this.#sendBody(body);
  }

  get answer(): Promise<Response | TunnelRefusal> {
    return this.#answer.promise;
  }

  head(head: Head): void {
    const { status } = head;
    if (status < 200 || status > 599) {
      this.#end();
      this.#stream.reset();
      return this.#answer.resolve({ refused: 'bad_answer', detail: `The server answered with status ${status}.` });
    }
    const headers = answerHeaders(head.headers);
    if (this.#method === 'HEAD' || WITHOUT_BODY.has(status)) {
      return this.#answer.resolve(new Response(null, { status, headers, encodeBody: 'manual' }));
    }
    const { readable, writable } = bodyStream(headers.get('content-length'));
    const writer = writable.getWriter();
    // `closed` rejects when a write fails. Each write handles its own failure; without one, the client has gone.
    writer.closed.catch(() => this.#abandoned());
    this.#writer = writer;
    this.#answer.resolve(new Response(readable, { status, headers, encodeBody: 'manual' }));
  }

  opened(): void {
    // A request is answered by a head.
  }

  bytes({ bytes }: Omit<TunnelMessage, 'stream'>, cost: number): void {
    if (this.#writer === null) return this.#stream.end.taken(cost);
    this.#writer.write(bytes).then(
      () => this.#stream.end.taken(cost),
      () => this.#abandoned(),
    );
  }

  end(): void {
    this.#end();
    this.#stream.finish();
    // It fails if fewer bytes came than the head announced: the client's read then fails as well.
    this.#writer?.close().catch(() => undefined);
  }

  denied(refusal: TunnelRefusal): void {
    this.#end();
    this.#answer.resolve(refusal);
  }

  broken(detail: string): void {
    this.#end();
    this.#answer.resolve({ ...BROKEN, detail });
    // The abort gives the reader its error. If the abort itself fails, nobody reads any more.
    this.#writer?.abort(new Error(detail)).catch(() => undefined);
  }

  /** The client has gone before its answer was whole. */
  #abandoned(): void {
    if (this.#isOver) return;
    this.#end();
    this.#stream.reset();
    this.#answer.resolve(GONE);
    this.#writer?.abort(new Error(GONE.detail)).catch(() => undefined);
  }

  #end(): void {
    this.#isOver = true;
    this.#reader?.cancel().catch(() => undefined);
    this.#reader = null;
  }

  async #sendBody(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader();
    this.#reader = reader;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#hasEnded()) return;
        if (done) break;
        for (let at = 0; at < value.byteLength; at += TUNNEL_CHUNK)
          if (!(await this.#stream.end.send('bytes', value.subarray(at, at + TUNNEL_CHUNK)))) return;
      }
      this.#reader = null;
      this.#stream.end.end();
    } catch {
      // Without an `end` the server learns that the request is not whole.
      this.#abandoned();
    }
  }

  /** Checked again after each `await`. */
  #hasEnded(): boolean {
    return this.#isOver;
  }
}

function answerHeaders(fields: Fields): Headers {
  const headers = new Headers();
  for (const [name, value] of endToEnd(fields)) headers.append(name, value);
  return headers;
}

/** With a known length, a client notices an incomplete body whatever its version of HTTP. */
function bodyStream(length: string | null): { readable: ReadableStream; writable: WritableStream<Uint8Array> } {
  return length !== null && /^\d{1,15}$/.test(length)
    ? new FixedLengthStream(Number(length))
    : new IdentityTransformStream();
}
