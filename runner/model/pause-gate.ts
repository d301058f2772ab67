import type { Readable } from 'node:stream';

/**
 * Pauses requests: while paused, each one waits unanswered until requests resume or its client hangs up.
 *
 * A waiting request is read into memory as far as there is room. While a part of it is unread, Node does not notice that
 * its client has gone, and the model would be asked for nobody.
 */
export class PauseGate {
  readonly #waiting = new Set<() => void>();
  #paused = false;
  #room: number;

  /** @param room bytes that all waiting requests together may take in memory; the rest stays unread */
  constructor(room: number) {
    this.#room = room;
  }

  /** Pauses new requests, or resumes all that wait. */
  set(paused: boolean): void {
    this.#paused = paused;
    if (paused) return;
    for (const resume of this.#waiting) resume();
  }

  /**
   * Waits until this request may continue.
   *
   * @param signal aborted when the client hangs up
   * @returns the request's whole body, including what was read while it waited
   * @throws the signal's reason
   */
  async pass(request: Readable, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    if (!this.#paused) return request;
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
      await this.#resumed(signal);
    } finally {
      request.off('data', keep).pause();
      this.#room += bytes;
    }
    return concatenated(read, request);
  }

  async #resumed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
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

/** Empties `read` as it goes, so that its memory is free early. */
async function* concatenated(read: Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for (let chunk = read.shift(); chunk !== undefined; chunk = read.shift()) yield chunk;
  yield* rest;
}
