/** A connection between an end of the link and the test, as the test sees it: lines of text, in order. */
export class Wire {
  /** The close code, once the end has closed; of a socket without codes, 0. */
  code: number | undefined;
  readonly #lines: string[] = [];
  readonly #write: (text: string) => void;
  readonly #close: (code: number) => void;
  #wake = (): void => {};

  /** @param close ends the connection in order, so that what the end has sent until then still comes */
  constructor(write: (text: string) => void, close: (code: number) => void) {
    this.#write = write;
    this.#close = close;
  }

  send(text: string): void {
    this.#write(text);
  }

  close(code: number): void {
    this.#close(code);
  }

  /** The end has sent this, without the newline. */
  came(line: string): void {
    this.#lines.push(line);
    this.#wake();
  }

  /** The connection has ended, and nothing comes any more. */
  ended(code: number): void {
    this.code ??= code;
    this.#wake();
  }

  /** The next line; null: the connection has ended. */
  async next(): Promise<string | null> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.code !== undefined) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
