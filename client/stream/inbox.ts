/** What has come and is not read yet. Who reads waits for what comes next. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** No more comes. What has come can still be read. @param failure is thrown after it; null: it just ends */
  end(failure: Error | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
  }

  /** The next one; null: it has ended. */
  async next(): Promise<T | null> {
    while (this.#items.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    const item = this.#items.shift();
    if (item !== undefined) return item;
    if (this.#failure !== null) throw this.#failure;
    return null;
  }
}
