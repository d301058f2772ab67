interface Entry {
  readonly at: number;
  /** Of two at the same time, the one that was set first comes first. */
  readonly number: number;
  readonly run: () => void;
}

const isBefore = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.number < b.number);

/** A clock that jumps from one thing that is due to the next. Milliseconds since the day began. */
export class Clock {
  now = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Entry[] = [];
  #number = 0;

  after(ms: number, run: () => void): void {
    this.#push({ at: this.now + Math.max(0, ms), number: this.#number++, run });
  }

  /** Runs all that is due until then. False: nothing is left. */
  runUntil(end: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      this.now = next.at;
      next.run();
    }
    this.now = end;
    return this.#heap.length > 0;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above];
      if (other === undefined || isBefore(other, entry)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const less = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (less === undefined || isBefore(last, less)) break;
      heap[at] = less;
      at = less === right ? 2 * at + 2 : 2 * at + 1;
    }
    heap[at] = last;
  }
}
