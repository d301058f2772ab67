import type { TerminalChannel } from '../../protocol/api/session/terminal.ts';

/** A piece of output. `at`: the position of its first byte. */
export interface Piece {
  readonly channel: TerminalChannel;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The last output of a terminal, by position: bytes since it began, of both streams together. No I/O. */
export class OutputRing {
  readonly #capacity: number;
  #pieces: Piece[] = [];
  #end = 0;

  /** @param capacity bytes that are kept; more only as long as `trim` is not allowed to drop them */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The position of the oldest byte that is kept. */
  get start(): number {
    return this.#pieces[0]?.at ?? this.#end;
  }

  /** The position of the next byte. */
  get end(): number {
    return this.#end;
  }

  push(channel: TerminalChannel, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push({ channel, at: this.#end, bytes });
    this.#end += bytes.length;
  }

  /** Drops the oldest bytes beyond the capacity, but none from `keep` on. */
  trim(keep: number): void {
    const until = Math.min(this.#end - this.#capacity, keep);
    while (this.start < until) {
      const [first] = this.#pieces;
      if (first === undefined) return;
      const rest = first.bytes.subarray(until - first.at);
      if (rest.length === 0) this.#pieces.shift();
      else this.#pieces[0] = { channel: first.channel, at: until, bytes: rest };
    }
  }

  /** What stands at a position, at most `most` bytes of one stream; null: nothing has come yet. */
  read(at: number, most: number): Piece | null {
    // The newest pieces are asked for most.
    for (let index = this.#pieces.length - 1; index >= 0; index -= 1) {
      const piece = this.#pieces[index];
      if (piece === undefined || piece.at > at) continue;
      const bytes = piece.bytes.subarray(at - piece.at, at - piece.at + most);
      return bytes.length === 0 ? null : { channel: piece.channel, at, bytes };
    }
    return null;
  }
}
