/** A queue of bytes from a connection to one reader, in order. The writer limits its size: `onRead` says what was read. */
export class ByteChannel implements AsyncIterable<Uint8Array> {
  readonly #onRead: (bytes: number) => void;
  #unread: Uint8Array[] = [];
  #state: { ended: false } | { ended: true; failure: Error | undefined } = { ended: false };
  #wake: (() => void) | undefined;

  constructor(onRead: (bytes: number) => void) {
    this.#onRead = onRead;
  }

  push(chunk: Uint8Array): void {
    if (this.#state.ended) return;
    this.#unread.push(chunk);
    this.#wake?.();
  }

  /** No more bytes will come. */
  end(): void {
    if (!this.#state.ended) this.#state = { ended: true, failure: undefined };
    this.#wake?.();
  }

  /** More bytes should have come: the reader gets this error, and no unread bytes. After `end` this does nothing. */
  fail(failure: Error): void {
    if (!this.#state.ended) {
      this.#state = { ended: true, failure };
      this.#unread = [];
    }
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#unread.shift();
      if (chunk !== undefined) {
        this.#onRead(chunk.length);
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
