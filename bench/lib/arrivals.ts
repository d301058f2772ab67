/** When each of the awaited things came, one after the other, whether it was asked for before or after it came. */
export class Arrivals {
  #came: number[] = [];
  #failed: Error | undefined;
  #wake: (() => void) | undefined;

  /** The next one is here. */
  came(): void {
    this.#came.push(performance.now());
    this.#wake?.();
  }

  /** No further one will come. */
  fail(error: Error): void {
    this.#failed ??= error;
    this.#wake?.();
  }

  /** When the next one came, by `performance.now()`. One may wait at a time. @throws when it will not come */
  async next(): Promise<number> {
    for (;;) {
      const came = this.#came.shift();
      if (came !== undefined) return came;
      if (this.#failed !== undefined) throw this.#failed;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}
