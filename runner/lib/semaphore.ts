/**
 * Lets at most `permits` tasks run at once. The others wait in the order in which they came. With one permit, tasks run one after
 * the other. The next one runs too when the one before has failed.
 */
export class Semaphore {
  readonly #permits: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(permits: number) {
    this.#permits = permits;
    this.#free = permits;
  }

  /** Nothing runs, and nothing waits. */
  get isIdle(): boolean {
    return this.#free === this.#permits;
  }

  /** Runs `task` as soon as there is a permit. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
