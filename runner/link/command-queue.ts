/** The session's orders that the wrapper has not said it took, so that neither side's break loses or doubles one. */
export class CommandQueue {
  #waiting: { number: number; text: string }[] = [];
  #taken = 0;

  /** The last command that the wrapper took. */
  get taken(): number {
    return this.#taken;
  }

  /** The frames to hand to a wrapper that has just come (back). */
  get waiting(): string[] {
    return this.#waiting.map((command) => command.text);
  }

  /**
   * True: the next one, to be handed on. False: it is here already or was taken, or one before it is missing; that comes, and
   * this one again, in answer to the `hello` that is under way.
   */
  offer(number: number, text: string): boolean {
    if (number !== (this.#waiting.at(-1)?.number ?? this.#taken) + 1) return false;
    this.#waiting.push({ number, text });
    return true;
  }

  /** The wrapper took all up to `number`. True: that is news. */
  take(number: number): boolean {
    if (number <= this.#taken) return false;
    this.#taken = number;
    this.#waiting = this.#waiting.filter((command) => command.number > number);
    return true;
  }
}
