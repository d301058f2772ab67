import { Readable } from 'node:stream';

/** The body of a request as it comes from a tunnel. No more is in it than the stream's window. */
export class RequestBody extends Readable {
  readonly #onTaken: (cost: number) => void;
  #unread: { readonly bytes: Uint8Array; readonly cost: number }[] = [];
  #wanted = false;
  #ended = false;

  /** @param onTaken the bytes of this cost are on their way to the server */
  constructor(onTaken: (cost: number) => void) {
    super({ highWaterMark: 0 });
    this.#onTaken = onTaken;
  }

  add(bytes: Uint8Array, cost: number): void {
    this.#unread.push({ bytes, cost });
    this.#give();
  }

  /** No more bytes come. */
  finish(): void {
    this.#ended = true;
    this.#give();
  }

  override _read(): void {
    this.#wanted = true;
    this.#give();
  }

  #give(): void {
    if (!this.#wanted) return;
    const next = this.#unread.shift();
    if (next !== undefined) {
      this.#wanted = false;
      this.push(next.bytes);
      this.#onTaken(next.cost);
    } else if (this.#ended) {
      this.#wanted = false;
      this.push(null);
    }
  }
}
