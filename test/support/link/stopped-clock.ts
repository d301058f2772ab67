import type { Clock } from '../../../wrapper/link/rush.ts';

/** A clock that stands until it is told to go on. */
export class StoppedClock implements Clock {
  #now = 0;
  readonly #calls = new Set<{ readonly at: number; readonly call: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const entry = { at: this.#now + ms, call };
    this.#calls.add(entry);
    return () => this.#calls.delete(entry);
  }

  goOn(ms: number): void {
    this.#now += ms;
    for (const entry of this.#calls) {
      if (entry.at > this.#now || !this.#calls.delete(entry)) continue;
      entry.call();
    }
  }
}
