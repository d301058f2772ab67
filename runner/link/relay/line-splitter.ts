/** Splits a byte stream into lines of limited length. No I/O. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, without newlines; `undefined` when one is longer than allowed. */
  push(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const part = chunk.subarray(start, end);
      if (this.#length + part.length > this.#maxBytes) return undefined;
      lines.push(this.#length === 0 ? part.toString('utf8') : Buffer.concat([...this.#parts, part]).toString('utf8'));
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    this.#length += rest.length;
    if (this.#length > this.#maxBytes) return undefined;
    if (rest.length > 0) this.#parts.push(rest);
    return lines;
  }
}
