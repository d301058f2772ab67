/** After a call to another object has failed, milliseconds until it is tried again. */
const RETRY_MS = 1000;

export interface TellerParts {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  /** Who is told: for the log. */
  readonly whom: string;
  /** There is something to tell, by what is stored. */
  readonly isDue: () => boolean;
  /** Tells it, and notes that it was told. */
  readonly tell: () => Promise<void>;
  /** Asked to have `tell` called at `nextTry`. */
  readonly retry: () => void;
}

/** Keeps another object told, one call at a time: at once when there is something to tell, and again for as long as that fails. */
export class Teller {
  readonly #parts: TellerParts;
  #telling = false;
  #failedAt: number | null = null;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    // Told at once, and this is for the case that it was cut off.
    return this.#parts.isDue() ? (this.#failedAt ?? Date.now()) + RETRY_MS : null;
  }

  /** When what has failed is tried again, epoch milliseconds; null: nothing has. For what else can wait for any alarm. */
  retryAt(): number | null {
    return this.#failedAt === null ? null : this.nextTry();
  }

  /** Tells what there is to tell. */
  tell(): void {
    if (this.#telling || !this.#parts.isDue()) return;
    if (this.#failedAt !== null && Date.now() < this.#failedAt + RETRY_MS) return;
    this.#telling = true;
    this.#failedAt = null;
    this.#parts.ctx.waitUntil(this.#work());
  }

  async #work(): Promise<void> {
    const { tell, retry, whom } = this.#parts;
    try {
      await tell();
    } catch (error) {
      console.error(`session: ${whom} could not be told, trying again: ${String(error)}`);
      this.#failedAt = Date.now();
      retry();
    } finally {
      this.#telling = false;
    }
    // What has come meanwhile.
    this.tell();
  }
}
