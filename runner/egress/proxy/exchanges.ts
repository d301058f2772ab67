import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** One tunnel or request, from its first word to its connection's or its answer's end. */
export interface Exchange {
  /** One too many. */
  excess: boolean;
  /** Aborted at its end. */
  signal: AbortSignal;
  end: () => void;
}

/** What is open in a session's way out. */
export class Exchanges {
  readonly #most: number;
  /** Exchanges that are being served, by connection. */
  readonly #serving = new Map<Duplex, number>();
  /** Work that ends with its connection. */
  readonly #open = new Set<Promise<unknown>>();
  #count = 0;

  /** @param most so many at once; what is beyond is marked as `excess` */
  constructor(most: number) {
    this.#most = most;
  }

  begin(socket: Socket): Exchange {
    const aborter = new AbortController();
    this.#count++;
    this.#serving.set(socket, (this.#serving.get(socket) ?? 0) + 1);
    const end = (): void => {
      if (aborter.signal.aborted) return;
      this.#count--;
      const others = (this.#serving.get(socket) ?? 1) - 1;
      if (others > 0) this.#serving.set(socket, others);
      else this.#serving.delete(socket);
      aborter.abort();
    };
    return { excess: this.#count > this.#most, signal: aborter.signal, end };
  }

  /** Whether a connection is in the middle of one. */
  isServing(socket: Duplex): boolean {
    return this.#serving.has(socket);
  }

  async untilDone(work: Promise<unknown>): Promise<void> {
    this.#open.add(work);
    try {
      await work;
    } finally {
      this.#open.delete(work);
    }
  }

  /** All that was open has ended and been reported. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
  }
}
