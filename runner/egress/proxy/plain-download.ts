import { IncomingMessage, type ServerResponse } from 'node:http';
import type { OnReadOpts, Socket } from 'node:net';
import { ReadBuffer } from './read-buffer.ts';

/** From here on a body goes past the parser, bytes. */
const LARGE_BODY_BYTES = 1024 * 1024;

/** A body on its way past the parser. */
interface Body {
  incoming: IncomingMessage;
  response: ServerResponse;
  /** Still to come, bytes. */
  left: number;
}

/**
 * The answer to a plain request. Its head, and a body that is small or does not say how long it is, are read by Node's client, which copies
 * each piece into new memory: sweeping that up costs more than all the rest. So a large body goes from the socket to the client past it.
 */
export class PlainDownload {
  readonly #buffer = new ReadBuffer();
  #target: Socket | undefined;
  /** Read before there was anybody to give it to. */
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

  /** Before `target` is given to Node's client, and the client's answer is piped to `response`. */
  start(target: Socket, request: IncomingMessage, response: ServerResponse): void {
    this.#target = target;
    if (this.#early !== undefined) this.#parse(target, this.#early);
    if (request.method !== 'GET') return;
    response.once('pipe', (incoming: unknown) => {
      // Otherwise the parser is given what had to wait, and there may be more behind it.
      if (!this.#parsing || !(incoming instanceof IncomingMessage)) return;
      const length = bodyLength(incoming);
      if (length >= LARGE_BODY_BYTES) this.#body = { incoming, response, left: length };
    });
  }

  #parse(target: Socket, bytes: Buffer): boolean {
    this.#parsing = true;
    const more = target.push(bytes);
    this.#parsing = false;
    if (target.readableLength > 0) this.#buffer.leave();
    if (this.#body === undefined) return more;
    // The head is out, and the body's first bytes, which came with it, are in `incoming`: nothing flows before the next tick.
    const { incoming, response } = this.#body;
    incoming.unpipe(response);
    for (let first: unknown = incoming.read(); first instanceof Buffer; first = incoming.read()) {
      this.#body.left -= first.length;
      response.write(first);
    }
    return true;
  }

  /** @returns whether the buffer is free again; otherwise reading goes on when it is */
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
    // What the kernel took at once is nobody's any more.
    waits = response.writableLength > 0;
    return !waits;
  }
}

/** In bytes; 0 when it is not the very number of bytes that follow. */
function bodyLength({ statusCode, rawHeaders }: IncomingMessage): number {
  if (statusCode !== 200 && statusCode !== 206) return 0;
  const named = (name: string): string[] =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  const [length = '', ...others] = named('content-length');
  if (others.length > 0 || named('transfer-encoding').length > 0) return 0;
  return /^\d{1,15}$/.test(length) ? Number(length) : 0;
}
