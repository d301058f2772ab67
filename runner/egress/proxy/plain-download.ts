import { IncomingMessage, type ServerResponse } from 'node:http';
import type { OnReadOpts, Socket } from 'node:net';
import { ReadBuffer } from './read-buffer.ts';

/** Bodies of at least this many bytes bypass the parser. */
const LARGE_BODY_BYTES = 1024 * 1024;

/** A body that bypasses the parser. */
interface Body {
  incoming: IncomingMessage;
  response: ServerResponse;
  /** Bytes still to come. */
  left: number;
}

/**
 * The response to a plain request. Node's HTTP client reads its head, and a body that is small or of unknown length. The
 * client copies each chunk into new memory, and garbage collection of those costs more than everything else. So a large
 * body goes from the socket to the client directly.
 */
export class PlainDownload {
  readonly #buffer = new ReadBuffer();
  #target: Socket | undefined;
  /** Read before `start` was called. */
  #early: Buffer | undefined;
  #parsing = false;
  #body: Body | undefined;

  /** For `net.connect`. */
  readonly onread: OnReadOpts = this.#buffer.onread((bytes) => {
    if (this.#target === undefined) {
      this.#early = bytes;
      return false;
    }
    if (this.#body !== undefined) return this.#pass(this.#body, this.#target, bytes);
    return this.#parse(this.#target, bytes);
  });

  /** Call it before Node's client gets `target`, and before the client's response is piped to `response`. */
  start(target: Socket, request: IncomingMessage, response: ServerResponse): void {
    this.#target = target;
    if (this.#early !== undefined) this.#parse(target, this.#early);
    if (request.method !== 'GET') return;
    response.once('pipe', (incoming: unknown) => {
      // Outside `#parse`, the client has buffered data and more may follow, so the body cannot bypass it.
      if (!this.#parsing || !(incoming instanceof IncomingMessage)) return;
      const length = bodyLength(incoming);
      if (length >= LARGE_BODY_BYTES) this.#body = { incoming, response, left: length };
    });
  }

  #parse(target: Socket, bytes: Buffer): boolean {
    this.#parsing = true;
    const more = target.push(bytes);
    this.#parsing = false;
    if (target.readableLength > 0) this.#buffer.replace();
    if (this.#body === undefined) return more;
    // The head is sent. The body's first bytes came with it and are in `incoming`, which does not flow before the next tick.
    const { incoming, response } = this.#body;
    incoming.unpipe(response);
    for (let first: unknown = incoming.read(); first instanceof Buffer; first = incoming.read()) {
      this.#body.left -= first.length;
      response.write(first);
    }
    return true;
  }

  /** @returns true: the buffer is free; false: reading resumes once it is */
  #pass(body: Body, target: Socket, bytes: Buffer): boolean {
    const { response } = body;
    if (response.destroyed || body.left === 0) return false;
    const part = bytes.subarray(0, body.left);
    body.left -= part.length;
    let waits = false;
    response.write(part, () => {
      if (waits) target.resume();
    });
    if (body.left === 0) {
      response.end();
      return false;
    }
    // If the kernel took everything at once, nothing holds the buffer any more.
    waits = response.writableLength > 0;
    return !waits;
  }
}

/** The body's length, bytes; 0: not known for certain. */
function bodyLength({ statusCode, rawHeaders }: IncomingMessage): number {
  if (statusCode !== 200 && statusCode !== 206) return 0;
  const named = (name: string): string[] =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  const [length = '', ...others] = named('content-length');
  if (others.length > 0 || named('transfer-encoding').length > 0) return 0;
  return /^\d{1,15}$/.test(length) ? Number(length) : 0;
}
