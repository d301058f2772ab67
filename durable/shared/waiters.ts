/** Calls that wait for something of the object's, by its id; woken, they look for themselves. Kept in memory: they end with it. */
export class Waiters {
  readonly #waiting = new Map<string, (() => void)[]>();

  wait(id: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? [];
      waiting.push(resolve);
      this.#waiting.set(id, waiting);
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
