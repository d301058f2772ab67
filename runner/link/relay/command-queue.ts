/** The session's commands that the wrapper has not confirmed yet. When a connection breaks, none is lost or sent twice. */
export class CommandQueue {
  #waiting: { number: number; text: string }[] = [];
  #taken = 0;

  /** The number of the last command that the wrapper has taken. */
  get taken(): number {
    return this.#taken;
  }

  /** The frames for a wrapper that has just connected. */
  get waiting(): string[] {
    return this.#waiting.map((command) => command.text);
  }

  /**
   * True: it is the next one; pass it on. False: it came before, or one before it is missing. In the second case the `hello`
   * that is on its way makes the session send both.
   */
  offer(number: number, text: string): boolean {
    if (number !== (this.#waiting.at(-1)?.number ?? this.#taken) + 1) return false;
    this.#waiting.push({ number, text });
    return true;
  }

  /** The wrapper has taken all up to `number`. True: that was not known. */
  take(number: number): boolean {
    if (number <= this.#taken) return false;
    this.#taken = number;
    this.#waiting = this.#waiting.filter((command) => command.number > number);
    return true;
  }
}
