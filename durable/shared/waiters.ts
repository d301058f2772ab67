/**
 * Calls that wait for a change, by the id of what they wait for. A woken call reads the change itself. Kept in memory
 * only, because the calls end with the object as well.
 */
export class Waiters {
  readonly #waiting = new Map<string, (() => void)[]>();

  /** @param until resolve then at the latest, epoch milliseconds; null: there is no limit */
  wait(id: string, until: number | null = null): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? [];
      this.#waiting.set(id, waiting);
      if (until === null) return waiting.push(resolve);
      const timer = setTimeout(resolve, until - Date.now());
      return waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  wake(id: string): void {
    const woken = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const wake of woken) wake();
  }

  wakeAll(): void {
    for (const id of this.#waiting.keys()) this.wake(id);
  }
}
