/** The time of a stand-in, milliseconds. A test may turn it itself. */
export interface Clock {
  now(): number;
  /** Does it when that much time has passed. */
  after(ms: number, act: () => void): void;
}

/** The time as it goes. What is still to be done when the process ends is not done. */
export const realClock: Clock = {
  now: () => Date.now(),
  after: (ms, act) => void setTimeout(act, ms).unref(),
};

/** Stands still until it is turned. */
export class TurnedClock implements Clock {
  #now = 1_800_000_000_000;
  #due: { at: number; act: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): void {
    this.#due.push({ at: this.#now + ms, act });
  }

  /** Goes on by that much, and does what falls due on the way, in its order. Waits for what that begins. */
  async turn(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = this.#due.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#due = this.#due.filter((one) => one !== next);
      this.#now = next.at;
      next.act();
    }
    this.#now = end;
  }
}

/** All promises that wait for nothing of the outside have gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
