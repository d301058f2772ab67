import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import type { Exchange, TunnelStream } from './exchange.ts';
import { BROKEN, type TunnelRefusal } from './refusal.ts';

/** Bytes to and from something in the container. Each direction ends by itself. */
export interface RawStream {
  /** @returns when all is on its way, which waits for the other end to take it; false: the stream is over */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Bytes that `write` holds, because the other end has not taken what came before. */
  readonly waiting: number;
  /** Nothing more is written. */
  end(): void;
  /** Breaks it off. */
  reset(): void;
}

/** Takes what a raw stream brings. */
export interface RawListener {
  /** @param taken to be called when the bytes are out of memory: only so many come before it is */
  bytes(bytes: Uint8Array, taken: () => void): void;
  /** No more bytes come. */
  end(): void;
  /** The stream was cut. */
  broken(detail: string): void;
}

export class RawExchange implements Exchange {
  readonly #stream: TunnelStream;
  readonly #listener: RawListener;
  readonly #answer = Promise.withResolvers<RawStream | TunnelRefusal>();
  #isSending = true;
  #isReceiving = true;

  constructor(listener: RawListener, stream: TunnelStream) {
    this.#listener = listener;
    this.#stream = stream;
  }

  get answer(): Promise<RawStream | TunnelRefusal> {
    return this.#answer.promise;
  }

  head(): void {
    // Only requests are answered by one.
  }

  opened(): void {
    const { end } = this.#stream;
    this.#answer.resolve({
      write: (bytes) => end.send('bytes', bytes),
      get waiting() {
        return end.waiting;
      },
      end: () => {
        this.#isSending = false;
        end.end();
        this.#finishIfEnded();
      },
      reset: () => {
        this.#isSending = false;
        this.#isReceiving = false;
        this.#stream.reset();
      },
    });
  }

  denied(refusal: TunnelRefusal): void {
    this.#answer.resolve(refusal);
  }

  bytes({ bytes }: Omit<TunnelMessage, 'stream'>, cost: number): void {
    this.#listener.bytes(bytes, () => this.#stream.end.taken(cost));
  }

  end(): void {
    this.#isReceiving = false;
    this.#listener.end();
    this.#finishIfEnded();
  }

  broken(detail: string): void {
    this.#answer.resolve({ ...BROKEN, detail });
    if (this.#isSending || this.#isReceiving) this.#listener.broken(detail);
  }

  #finishIfEnded(): void {
    if (!this.#isSending && !this.#isReceiving) this.#stream.end.whenEnded(() => this.#stream.finish());
  }
}
