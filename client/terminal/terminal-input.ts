/** How far input may be ahead of what the terminal has taken, bytes. */
const WINDOW = 64 * 1024;
/** In one frame. */
const FRAME = 16 * 1024;

/** What is typed, until the terminal has taken it: over connections that break, each byte comes once. No I/O. */
export class TerminalInput {
  #pieces: Uint8Array[] = [];
  /** The position of the first byte that is kept; null: not known before the terminal first says it. */
  #start: number | null = null;
  #length = 0;
  /** Of what is kept, so much is on its way. */
  #sent = 0;
  #waiting: (() => void)[] = [];

  /** Bytes that the terminal has not taken. */
  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // The caller may use its buffer again.
    this.#pieces.push(bytes.slice());
    this.#length += bytes.length;
  }

  /** A connection begins, on which the terminal says that it has taken the input up to this position. */
  begin(taken: number): void {
    this.#sent = 0;
    this.taken(taken);
  }

  /** The terminal has taken the input up to this position. */
  taken(position: number): void {
    this.#start ??= position;
    const bytes = Math.min(Math.max(0, position - this.#start), this.#length);
    this.#start += bytes;
    this.#length -= bytes;
    this.#sent = Math.max(0, this.#sent - bytes);
    for (let left = bytes; left > 0;) {
      const [first = new Uint8Array()] = this.#pieces;
      const rest = first.subarray(Math.min(left, first.length));
      left -= first.length - rest.length;
      if (rest.length === 0) this.#pieces.shift();
      else this.#pieces[0] = rest;
    }
    if (this.#length < WINDOW) for (const wake of this.#waiting.splice(0)) wake();
  }

  /** What may be sent now, and then is on its way; null: nothing. */
  next(): Uint8Array<ArrayBuffer> | null {
    const most = Math.min(FRAME, this.#length - this.#sent, WINDOW - this.#sent);
    if (most <= 0) return null;
    const frame = new Uint8Array(most);
    let skip = this.#sent;
    let filled = 0;
    for (const piece of this.#pieces) {
      const part = piece.subarray(skip, skip + most - filled);
      skip = Math.max(0, skip - piece.length);
      frame.set(part, filled);
      filled += part.length;
      if (filled === most) break;
    }
    this.#sent += most;
    return frame;
  }

  /** Resolves when there is room for more, or it is over. */
  async room(): Promise<void> {
    if (this.#length >= WINDOW) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing is taken any more. */
  stop(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
