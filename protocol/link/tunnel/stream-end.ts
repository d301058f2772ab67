import type { BytesKind, TunnelMessage } from './message.ts';

/** Cost of what one end may have sent and the other not taken yet, in each direction of each stream. */
export const TUNNEL_WINDOW = 256 * 1024;
/** Most bytes of one message. */
export const TUNNEL_CHUNK = 64 * 1024;
/** What a message costs at least: an empty one takes memory, too. */
const LEAST_COST = 256;
/** Credit is granted in portions: not every message needs an answer. */
const GRANT = TUNNEL_WINDOW / 4;

/** What a message of this many bytes takes of the window. */
export const costOf = (bytes: number): number => Math.max(bytes, LEAST_COST);

type Part = Omit<TunnelMessage, 'stream'>;

/** How an end sends. It is called in order, and no more once the stream is over. */
export interface StreamWire {
  message(part: Part): void;
  credit(bytes: number): void;
  /** This end sends nothing more. */
  end(how: StreamClose): void;
}

/** Of a WebSocket: how it was closed. */
export interface StreamClose {
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
}

interface Waiting {
  readonly kind: BytesKind;
  readonly bytes: Uint8Array;
  /** Sent already, bytes. */
  sent: number;
  readonly done: (isSent: boolean) => void;
}

/**
 * One end of one stream of a tunnel, the same at the session and at the runner: sends no more than the other end has room for,
 * and tells it what was taken here. It holds what waits for credit: who sends waits for `send`, or looks at `waiting`. No I/O.
 */
export class StreamEnd {
  readonly #wire: StreamWire;
  #credit = TUNNEL_WINDOW;
  /** What the other end may still send. */
  #granted = TUNNEL_WINDOW;
  #toGrant = 0;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #ending: StreamClose | undefined;
  /** `end` has gone out. */
  #hasEnded = false;
  #onEnded: (() => void) | undefined;
  #isOver = false;

  constructor(wire: StreamWire) {
    this.#wire = wire;
  }

  /** Bytes that wait for credit. */
  get waiting(): number {
    return this.#waitingBytes;
  }

  /** Sends bytes, or a message of a WebSocket. @returns when all is sent; false: the stream ended before */
  send(kind: BytesKind, bytes: Uint8Array): Promise<boolean> {
    if (this.#isOver || this.#ending !== undefined) return Promise.resolve(false);
    // An empty message is one; no bytes are nothing.
    if (bytes.byteLength === 0 && kind === 'bytes') return Promise.resolve(true);
    return new Promise((done) => {
      this.#waiting.push({ kind, bytes, sent: 0, done });
      this.#waitingBytes += bytes.byteLength;
      this.#flush();
    });
  }

  /** Nothing more is sent after what waits. */
  end(how: StreamClose = {}): void {
    this.#ending ??= how;
    this.#flush();
  }

  /** Calls back when all that waited has been sent, and that it was all; at once, if it is so already. */
  whenEnded(act: () => void): void {
    if (this.#hasEnded) act();
    else this.#onEnded = act;
  }

  /** The other end has room for more. */
  credit(bytes: number): void {
    this.#credit += bytes;
    this.#flush();
  }

  /** A message has come. @returns its cost, which `taken` is to give back; null: the other end had no credit for it */
  received(bytes: number): number | null {
    const cost = costOf(bytes);
    this.#granted -= cost;
    return bytes > TUNNEL_CHUNK || this.#granted < 0 ? null : cost;
  }

  /** What came is no longer held here. @param cost as `received` said */
  taken(cost: number): void {
    this.#toGrant += cost;
    if (this.#toGrant < GRANT || this.#isOver) return;
    this.#granted += this.#toGrant;
    this.#wire.credit(this.#toGrant);
    this.#toGrant = 0;
  }

  /** The stream is over, and nothing is sent any more. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waitingBytes = 0;
    for (const { done } of this.#waiting.splice(0)) done(false);
  }

  #flush(): void {
    for (let next = this.#waiting[0]; next !== undefined && !this.#isOver; next = this.#waiting[0]) {
      // Less than the least would be a debt.
      if (this.#credit < LEAST_COST) return;
      const part = next.bytes.subarray(next.sent, next.sent + Math.min(TUNNEL_CHUNK, this.#credit));
      const { kind } = next;
      next.sent += part.byteLength;
      this.#waitingBytes -= part.byteLength;
      this.#credit -= costOf(part.byteLength);
      const isWhole = next.sent === next.bytes.byteLength;
      if (isWhole) this.#waiting.shift();
      // Plain bytes have no messages that could be in parts.
      this.#wire.message({ kind, more: kind !== 'bytes' && !isWhole, bytes: part });
      if (isWhole) next.done(true);
    }
    if (this.#ending === undefined || this.#isOver || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#wire.end(this.#ending);
    this.#onEnded?.();
  }
}
