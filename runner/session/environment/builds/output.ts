/** What is kept of a build's output for those who begin to wait later, characters: its beginning and its end. */
const HEAD = 64 * 1024;
const TAIL = 16 * 1024;
/** Told in one piece at most, characters. */
const PIECE = 60 * 1024;
/** Told of one build in all; after that only its last words now and then. */
const TOLD = 512 * 1024;
const LAST_WORDS = 2 * 1024;
const LAST_WORDS_MS = 5_000;

/** A part of the output, and where it begins: UTF-16 units from the beginning. */
export interface OutputText {
  at: number;
  text: string;
}

/** The output of one build, bounded however much there is. Pure: the time is a parameter. */
export class BuildOutput {
  readonly #decoder = new TextDecoder();
  #size = 0;
  #head = '';
  #tail = '';
  /** Not told yet. */
  #fresh = '';
  #told = 0;
  #toldAt = -Infinity;

  take(bytes: Buffer): void {
    this.say(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Adds words of the runner itself. */
  say(words: string): void {
    const text = words.replaceAll('\0', '');
    this.#size += text.length;
    if (this.#head.length < HEAD) this.#head += text.slice(0, HEAD - this.#head.length);
    // Cut now and then: each cut copies all of it.
    this.#tail += text;
    if (this.#tail.length > 4 * TAIL) this.#tail = this.#tail.slice(-TAIL);
    this.#fresh += text;
    if (this.#fresh.length > 4 * PIECE) this.#fresh = this.#fresh.slice(-PIECE);
  }

  /** The last lines, at most so many characters. */
  last(characters: number): string {
    const end = this.#tail.slice(-characters);
    return end.length < this.#tail.length ? end.slice(end.indexOf('\n') + 1) : end;
  }

  /** What is to be told now. */
  news(now: number, isEnd = false): OutputText[] {
    const isMuch = this.#told >= TOLD;
    if (this.#fresh === '' || (isMuch && !isEnd && now - this.#toldAt < LAST_WORDS_MS)) return [];
    const text = this.#fresh.slice(isMuch ? -LAST_WORDS : -PIECE);
    this.#fresh = '';
    this.#told += text.length;
    this.#toldAt = now;
    return [{ at: this.#size - text.length, text }];
  }

  /** What is kept of all that was told, for who begins to wait now. */
  soFar(): OutputText[] {
    const told = this.#size - this.#fresh.length;
    const head = this.#head.slice(0, told);
    if (head.length === told) return head === '' ? [] : [{ at: 0, text: head }];
    const tail = this.#tail.slice(-TAIL);
    const begin = this.#size - tail.length;
    const from = Math.max(head.length, begin);
    const text = tail.slice(from - begin, Math.max(0, told - begin));
    return [{ at: 0, text: head }, ...(text === '' ? [] : [{ at: from, text }])];
  }
}
