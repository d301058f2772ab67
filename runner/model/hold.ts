import type { Readable } from 'node:stream';

/**
 * Holds requests back while it is told to: each waits, unanswered, until it is let go or its client hangs up.
 *
 * A request that waits is read into memory, as long as there is room: while something is left unread, Node does not see that
 * its client has gone, and the model would be asked for nobody.
 */
export class Hold {
  readonly #waiting = new Set<() => void>();
  #held = false;
  #room: number;

  /** @param room for what is read of all that waits, bytes; the rest is left unread */
  constructor(room: number) {
    this.#room = room;
  }

  /** Whether requests are held back from now on. What waits is let go with `false`. */
  set(held: boolean): void {
    this.#held = held;
    if (held) return;
    for (const letGo of this.#waiting) letGo();
  }

  /**
   * Waits until this request may go on.
   *
   * @param signal aborted when the client hangs up
   * @returns its body, of which a part has been read
   * @throws the signal's reason
   */
  async pass(request: Readable, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    if (!this.#held) return request;
    const read: Buffer[] = [];
    let bytes = 0;
    const keep = (chunk: Buffer): void => {
      read.push(chunk);
      bytes += chunk.length;
      this.#room -= chunk.length;
      if (this.#room <= 0) request.pause();
    };
    request.on('data', keep);
    try {
      await this.#letGo(signal);
    } finally {
      request.off('data', keep).pause();
      this.#room += bytes;
    }
    return joined(read, request);
  }

  async #letGo(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    this.#waiting.add(resolve);
    try {
      await promise;
    } finally {
      this.#waiting.delete(resolve);
    }
  }
}

async function* joined(read: Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for (let chunk = read.shift(); chunk !== undefined; chunk = read.shift()) yield chunk;
  yield* rest;
}
