import { BATCH_BYTES, BATCH_EVENTS } from '../../protocol/settings/limits.ts';

/** About a display's frame, milliseconds: nobody sees lines come faster. Words that come at a display's pace are sent as they come. */
export const FRAME_MS = 20;

/** What a rush needs of the runtime: a test has its own. */
export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls back after so many milliseconds. @returns what stops that */
  after(ms: number, call: () => void): () => void;
}

const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/**
 * When what waits is sent. What comes alone is sent at once. In a rush, what comes within a display's frame after that joins
 * and is sent at its end, or earlier when it fills a frame of the link: each message costs everyone on its way.
 */
export class Rush {
  readonly #flush: () => void;
  readonly #clock: Clock;
  #flushedAt = -Infinity;
  #stop: (() => void) | null = null;
  #count = 0;
  #length = 0;

  constructor(flush: () => void, clock: Clock = realClock) {
    this.#flush = flush;
    this.#clock = clock;
  }

  /** Something waits for the end of the frame. */
  get isJoining(): boolean {
    return this.#stop !== null;
  }

  /** Something is to be sent, and may wait for others until the end of the frame. @param length characters */
  join(length: number): void {
    const now = this.#clock.now();
    const wait = this.#flushedAt + FRAME_MS - now;
    this.#count += 1;
    this.#length += length;
    if (wait <= 0 || this.#count >= BATCH_EVENTS || this.#length >= BATCH_BYTES) return this.now(now);
    this.#stop ??= this.#clock.after(wait, () => {
      this.now();
    });
  }

  /** Something is to be sent that may not wait, and with it all that waits. */
  now(at = this.#clock.now()): void {
    this.close();
    this.#flushedAt = at;
    this.#count = 0;
    this.#length = 0;
    this.#flush();
  }

  /** Nothing is sent any more by itself. */
  close(): void {
    this.#stop?.();
    this.#stop = null;
  }
}
