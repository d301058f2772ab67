/** After a call to another object has failed, milliseconds until it is tried again. */
const RETRY_MS = 1000;

/** Something that calls other objects, and calls again for as long as that fails. */
export interface Outgoing {
  /** Sends what is due. */
  send(): void;
  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null;
}

export interface RetryingCallOptions {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  /** Who is called: for the log. */
  readonly whom: string;
  /** Whether there is something to send, by what is stored. */
  readonly isDue: () => boolean;
  /** Sends it, and notes that it was sent. */
  readonly send: () => Promise<void>;
  /** Asked to have `send` called at `nextTry`. */
  readonly retry: () => void;
  /** How long to wait after so many failures in a row, milliseconds; absent: a second, each time. */
  readonly waitMs?: (failures: number) => number;
}

/** Keeps another object up to date with one call at a time: at once when something is due, and again for as long as that fails. */
export class RetryingCall implements Outgoing {
  readonly #options: RetryingCallOptions;
  #sending = false;
  /** When a failed call is made again; null: none has failed. */
  #retryAt: number | null = null;
  #failures = 0;

  constructor(options: RetryingCallOptions) {
    this.#options = options;
  }

  nextTry(): number | null {
    // It is sent at once. This time is for a call that was cut off.
    return this.#options.isDue() ? (this.#retryAt ?? Date.now() + RETRY_MS) : null;
  }

  /** When a failed call is tried again, epoch milliseconds; null: none has failed. For what can otherwise wait for any alarm. */
  retryAt(): number | null {
    return this.#retryAt === null ? null : this.nextTry();
  }

  send(): void {
    if (this.#sending || !this.#options.isDue()) return;
    if (this.#retryAt !== null && Date.now() < this.#retryAt) return;
    this.#sending = true;
    this.#retryAt = null;
    this.#options.ctx.waitUntil(this.#work());
  }

  async #work(): Promise<void> {
    const { send, retry, whom, waitMs = () => RETRY_MS } = this.#options;
    try {
      await send();
      this.#failures = 0;
    } catch (error) {
      console.error(`session: a call to ${whom} failed, trying again: ${String(error)}`);
      this.#failures += 1;
      this.#retryAt = Date.now() + waitMs(this.#failures);
      retry();
    } finally {
      this.#sending = false;
    }
    // More may have come meanwhile.
    this.send();
  }
}
