/** A line's bytes, without the newline. Of a line over the limit: its length and its first bytes. */
export type SplitLine = { kind: 'line'; bytes: Buffer } | { kind: 'oversized'; size: number; head: Buffer };

/** Bytes kept of a line that is too long. */
export const HEAD_BYTES = 1024;

/**
 * Splits a byte stream at newlines, in bounded memory: of a line over `limit` bytes only the head is kept. It works on
 * bytes, so a character that is split between two chunks stays whole.
 */
export class LineSplitter {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #size = 0;
  #head: Buffer | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines that end within this chunk. */
  push(chunk: Buffer): SplitLine[] {
    const lines: SplitLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end));
      lines.push(this.#cut());
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  /** The stream has ended: what came after the last newline, if anything. */
  end(): SplitLine | null {
    return this.#size === 0 ? null : this.#cut();
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#size += bytes.length;
    if (this.#head !== null) return;
    this.#parts.push(bytes);
    if (this.#size <= this.#limit) return;
    this.#head = Buffer.from(Buffer.concat(this.#parts).subarray(0, HEAD_BYTES));
    this.#parts = [];
  }

  #cut(): SplitLine {
    const line: SplitLine =
      this.#head === null
        ? { kind: 'line', bytes: joined(this.#parts) }
        : { kind: 'oversized', size: this.#size, head: this.#head };
    this.#parts = [];
    this.#size = 0;
    this.#head = null;
    return line;
  }
}

/** Usually a line comes in one piece, which is not copied. */
function joined(parts: readonly Buffer[]): Buffer {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
