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

  /** What is kept, as text: at most as many characters as the limit has bytes. */
  toString(): string {
    let start = 0;
    // Skip the rest of a character that was cut: a byte 10xxxxxx never begins one.
    while (start < 4 && ((this.#bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return this.#bytes.toString('utf8', start);
  }
}
