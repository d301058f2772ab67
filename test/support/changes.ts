/** Lets a test wait for a condition that its own actors bring about, without asking for it over and over. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Something has changed: every waiting condition is looked at. */
  notify(): void {
    for (const look of this.#waiting) look();
  }

  /** The condition's value, once it has one. */
  until<T>(condition: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const value = condition();
        if (value === undefined || value === false) return;
        this.#waiting.delete(look);
        resolve(value);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
