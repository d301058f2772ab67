/** So much may wait to be shown before no more is read, bytes. */
const MOST_WAITING = 128 * 1024;

/** Shows bytes, and calls back when they are shown. */
type Show = (bytes: Uint8Array, shown: () => void) => void;

/** Hands bytes on to what shows them, and waits where that falls behind. */
export class BackPressure {
  readonly #show: Show;
  #waiting = 0;
  #wake: (() => void) | null = null;

  constructor(show: Show) {
    this.#show = show;
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting += bytes.length;
    this.#show(bytes, () => {
      this.#waiting -= bytes.length;
      if (this.#waiting >= MOST_WAITING) return;
      this.#wake?.();
      this.#wake = null;
    });
    if (this.#waiting < MOST_WAITING) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
