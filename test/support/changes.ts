import { onTestFailed, TestRunner } from 'vitest';

/** Lets a test wait for a condition that its own actors bring about, without asking for it over and over. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Something has changed: every waiting condition is looked at. */
  notify(): void {
    for (const look of this.#waiting) look();
  }

  /**
   * The condition's value, once it has one. A test that fails meanwhile says for what it waited.
   *
   * @param seen what there is in place of it
   */
  until<T>(condition: () => T | undefined | false, seen?: () => unknown): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const value = condition();
        if (value === undefined || value === false) return;
        this.#waiting.delete(look);
        resolve(value);
      };
      this.#waiting.add(look);
      look();
      if (!this.#waiting.has(look) || TestRunner.getCurrentTest() === undefined) return;
      onTestFailed(() => {
        if (!this.#waiting.has(look)) return;
        const there = seen === undefined ? '' : `\n  there was: ${JSON.stringify(seen())}`;
        console.error(`It never came true: ${String(condition).replaceAll(/\s+/g, ' ')}${there}`);
      });
    });
  }
}
