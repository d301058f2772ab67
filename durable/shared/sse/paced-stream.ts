import { isRevokedBy, type Revocation, type TokenMark } from '../tokens/revocation.ts';

/** Interval of the comments that keep an idle stream open through proxies, milliseconds. */
const KEEP_ALIVE_MS = 15_000;

/** Of the token that has opened a stream. */
export interface StreamToken {
  /** When it expires, epoch milliseconds. */
  readonly expires: number;
  /** What a revocation knows it by. */
  readonly jti: string | null;
  readonly issued: number | null;
  readonly of?: string | undefined;
}

interface Next {
  readonly bytes: Uint8Array;
  readonly ends: boolean;
}
const encoder = new TextEncoder();
export const encode = (text: string): Uint8Array => encoder.encode(text);
const last = (text: string): Next => ({ bytes: encode(text), ends: true });
const KEEP_ALIVE: Next = { bytes: encode(': keep-alive\n\n'), ends: false };

/**
 * A stream of Server-Sent Events to one reader, who sets the pace: it is asked what is due when the reader has room for it, so a
 * slow reader costs no memory. It ends with the token that has opened it.
 */
export abstract class PacedStream {
  readonly #token: StreamToken;
  #wake: ((why: 'due' | 'timer') => void) | null = null;
  #isCancelled = false;
  /** What is said last, once it is to end. */
  #lastWords: string | null = null;

  constructor(token: StreamToken) {
    this.#token = token;
  }

  /** The first bytes: some clients see the headers only when the body begins. */
  abstract begin(): Uint8Array;

  /** What is due now; null: all is sent. */
  protected abstract unsent(): Uint8Array | null;

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Something may be due. */
  wake(): void {
    this.#wake?.('due');
  }

  /** Its reader is sent no more. @param lastWords a comment that says why, or nothing */
  end(lastWords = ''): void {
    this.#lastWords ??= lastWords;
    this.wake();
  }

  /** Ends it if its token is revoked. */
  endIfRevoked(what: Revocation, owner: string): void {
    const { jti, issued, of } = this.#token;
    const mark: TokenMark = { jti, sub: owner, issued, of };
    if (isRevokedBy(what, mark)) this.end(': the token has been revoked\n\n');
  }

  /** Its reader has gone. */
  cancel(): void {
    this.#isCancelled = true;
    this.end();
  }

  /** The next bytes, once there is something to send. */
  async next(): Promise<Next> {
    for (;;) {
      if (this.#lastWords !== null) return last(this.#lastWords);
      if (Date.now() >= this.#token.expires) return last(': the token has expired\n\n');
      const bytes = this.unsent();
      if (bytes !== null) return { bytes, ends: false };
      if ((await this.#nextWake()) === 'timer') return KEEP_ALIVE;
    }
  }

  #nextWake(): Promise<'due' | 'timer'> {
    return new Promise((resolve) => {
      const wait = Math.max(0, Math.min(KEEP_ALIVE_MS, this.#token.expires - Date.now()));
      const timer = setTimeout(() => this.#wake?.('timer'), wait);
      this.#wake = (why) => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(why);
      };
    });
  }
}

export interface PacedStreamHandlers {
  /** So many bytes were sent. */
  sent(bytes: number): void;
  /** It has ended, or its reader has gone: called once. */
  left(): void;
}

/** The answer's body. */
export function bodyOf(stream: PacedStream, on: PacedStreamHandlers): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(stream.begin()),
    // The runtime does not call `pull` again if it enqueued nothing, so each call sends at least a comment.
    pull: async (controller) => {
      const { bytes, ends } = await stream.next();
      if (stream.isCancelled) return;
      if (bytes.length > 0) controller.enqueue(bytes);
      if (ends) controller.close();
      on.sent(bytes.length);
      if (ends) on.left();
    },
    cancel: () => {
      stream.cancel();
      on.left();
    },
  });
}

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;
