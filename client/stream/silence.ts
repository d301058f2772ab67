/** Tells when nothing has come for a while: a connection whose other end is gone does not say so. */
export class Silence {
  readonly #ms: number;
  readonly #onSilence: () => void;
  #heard = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(ms: number, onSilence: () => void) {
    this.#ms = ms;
    this.#onSilence = onSilence;
  }

  /** Something came, or is waited for from now on. */
  heard(): void {
    this.#heard = Date.now();
    if (this.#timer === null) this.#wait(this.#ms);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const left = this.#heard + this.#ms - Date.now();
      if (left > 0) this.#wait(left);
      else this.#onSilence();
    }, ms);
  }
}
