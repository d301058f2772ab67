/** The times at which expected things arrive, one after the other. `next` may be called before or after the arrival. */
export class Arrivals {
  #times: number[] = [];
  #failed: Error | undefined;
  #wake: (() => void) | undefined;

  /** The next one has arrived. */
  arrived(): void {
    this.#times.push(performance.now());
    this.#wake?.();
  }

  /** No other will arrive. */
  fail(error: Error): void {
    this.#failed ??= error;
    this.#wake?.();
  }

  /**
   * The time of the next arrival, by `performance.now()`. Only one caller may wait at a time. @throws when none will
   * come
   */
  async next(): Promise<number> {
    for (;;) {
      const time = this.#times.shift();
      if (time !== undefined) return time;
      if (this.#failed !== undefined) throw this.#failed;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}
