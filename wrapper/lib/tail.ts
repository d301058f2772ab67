/** Keeps the last bytes of a stream. */
export class Tail {
  readonly #limit: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-this.#limit);
  }

  /** The whole characters of what is kept: no more of them than the limit has bytes. */
  toString(): string {
    let start = 0;
    // A character that the cut went through is left out: 10xxxxxx is never the first byte of one.
    while (start < 4 && ((this.#bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return this.#bytes.toString('utf8', start);
  }
}
