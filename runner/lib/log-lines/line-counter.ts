/** For so long, milliseconds, equal lines count as one, and `most` lines are written. */
const WINDOW_MS = 10_000;
/** Different lines that are remembered. */
const MOST_KNOWN = 256;

export interface LineCounterOptions {
  /** Writes a line. `repeated`: it came as many times more since it was last written. */
  write: (line: string, repeated: number) => void;
  /** `lines` lines were not written at all, because there were too many. `line`: the first of them. */
  leftOut: (lines: number, line: string) => void;
  /** Lines that are written in ten seconds. */
  most: number;
  windowMs?: number;
}

/**
 * Keeps a log from being filled with what says nothing new. A line is written when it first comes. When it comes again
 * within ten seconds, it is only counted, and written once more at their end.
 */
export class LineCounter {
  readonly #options: LineCounterOptions;
  /** By line: how often it came again. */
  readonly #repeats = new Map<string, number>();
  #written = 0;
  #left: { lines: number; first: string } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LineCounterOptions) {
    this.#options = options;
  }

  /** @param key what makes it equal to another line: the line without its time */
  add(line: string, key: string = line): void {
    this.#timer ??= setTimeout(() => this.flush(), this.#options.windowMs ?? WINDOW_MS).unref();
    const repeats = this.#repeats.get(key);
    if (repeats !== undefined) {
      this.#repeats.set(key, repeats + 1);
      return;
    }
    if (this.#written >= this.#options.most) {
      this.#left = { lines: (this.#left?.lines ?? 0) + 1, first: this.#left?.first ?? line };
      return;
    }
    this.#written += 1;
    if (this.#repeats.size < MOST_KNOWN) this.#repeats.set(key, 0);
    this.#options.write(line, 0);
  }

  /** Writes what was only counted until now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [line, repeats] of this.#repeats) if (repeats > 0) this.#options.write(line, repeats);
    if (this.#left !== undefined) this.#options.leftOut(this.#left.lines, this.#left.first);
    this.#repeats.clear();
    this.#written = 0;
    this.#left = undefined;
  }
}
