/** Bytes from a connection to one reader, in order. Who puts them in bounds them: it is told what has been taken. */
export class ByteChannel implements AsyncIterable<Uint8Array> {
  readonly #taken: (bytes: number) => void;
  #waiting: Uint8Array[] = [];
  #state: { ended: false } | { ended: true; failure: Error | undefined } = { ended: false };
  #wake: (() => void) | undefined;

  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  push(chunk: Uint8Array): void {
    if (this.#state.ended) return;
    this.#waiting.push(chunk);
    this.#wake?.();
  }

  /** All that there is has been put in. */
  end(): void {
    if (!this.#state.ended) this.#state = { ended: true, failure: undefined };
    this.#wake?.();
  }

  /** There would have been more: the reader gets this error, and nothing of what waits. Nothing happens after `end`. */
  fail(failure: Error): void {
    if (!this.#state.ended) {
      this.#state = { ended: true, failure };
      this.#waiting = [];
    }
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#taken(chunk.length);
        yield chunk;
      } else if (this.#state.ended) {
        if (this.#state.failure !== undefined) throw this.#state.failure;
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}
