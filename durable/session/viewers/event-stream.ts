import { BATCH_BYTES, BATCH_EVENTS } from '../../../protocol/settings/limits.ts';
import { isRevokedBy, type Revocation, type TokenMark } from '../../shared/tokens/revocation.ts';
import type { StoredEvent } from '../core/shown.ts';
import { Batch } from './batch.ts';
import { Tail } from './tail.ts';

/** Interval of the comments that keep an idle stream open through proxies, milliseconds. */
const KEEP_ALIVE_MS = 15_000;

/** What the streams need of the session's log. */
interface Log {
  first(): number;
  read(after: number, limit: number, bytes: number): StoredEvent[];
}

/** Why an idle stream wakes. */
type Wake = 'shown' | 'timer' | 'ended';

export interface EventStreamsHandlers {
  /** A stream has ended. */
  left(): void;
  /** So many bytes were sent. */
  sent(bytes: number): void;
}

export interface EventStreamOptions {
  /** The cursor to start after. */
  readonly after: number;
  /** The reader wants previews too. */
  readonly previews: boolean;
  /** When the reader's token expires, epoch milliseconds. */
  readonly expires: number;
  /** What a revocation knows the reader's token by. */
  readonly jti: string | null;
  readonly issued: number | null;
}

/**
 * Server-Sent Events of one session: the log after a cursor, then new events as they come. The reader sets the pace: it is sent
 * a batch only when it has room for it, so a slow client costs no memory. Those who keep up are sent the same bytes (`Tail`);
 * others read the log.
 */
export class EventStreams {
  readonly #log: Log;
  readonly #open = new Set<EventStream>();
  readonly #tail = new Tail();
  readonly #on: EventStreamsHandlers;
  #ended = false;

  constructor(log: Log, on: EventStreamsHandlers) {
    this.#log = log;
    this.#on = on;
  }

  /** Those that are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Passes on what is shown. */
  publish(batch: Batch): void {
    const readers = [...this.#open].filter((stream) => batch.hasEvents || stream.wantsPreviews);
    if (readers.length === 0) return;
    this.#tail.push(batch);
    for (const stream of readers) stream.wake('shown');
  }

  /** Ends the streams: the session was deleted. */
  end(): void {
    this.#ended = true;
    for (const stream of this.#open) stream.wake('ended');
  }

  /** Ends the streams whose token is revoked. */
  endRevoked(what: Revocation, owner: string): void {
    for (const stream of this.#open) if (isRevokedBy(what, stream.markOf(owner))) stream.revoke();
  }

  open(options: EventStreamOptions): ReadableStream<Uint8Array> {
    const stream = new EventStream(this.#log, this.#tail, options);
    this.#open.add(stream);
    return new ReadableStream<Uint8Array>({
      // Some clients see the headers only when the first byte of the body arrives, so something is sent at once.
      start: (controller) => controller.enqueue(stream.begin()),
      // The runtime does not call `pull` again if it enqueued nothing, so each call sends at least a comment.
      pull: async (controller) => {
        const { bytes, ends } = this.#ended ? END : await stream.next();
        if (stream.isCancelled) return;
        if (bytes.length > 0) controller.enqueue(bytes);
        this.#on.sent(bytes.length);
        if (!ends) return this.#trim();
        this.#open.delete(stream);
        this.#trim();
        controller.close();
        this.#on.left();
      },
      cancel: () => {
        this.#open.delete(stream);
        stream.cancel();
        this.#trim();
        this.#on.left();
      },
    });
  }

  /** Keeps of the tail what a stream has not sent yet. */
  #trim(): void {
    let needed = this.#tail.end;
    for (const stream of this.#open) needed = Math.min(needed, stream.place);
    this.#tail.forget(needed);
  }
}

interface Next {
  readonly bytes: Uint8Array;
  readonly ends: boolean;
}
const encoder = new TextEncoder();
const encode = (text: string) => encoder.encode(text);
const END: Next = { bytes: new Uint8Array(0), ends: true };
const last = (text: string): Next => ({ bytes: encode(text), ends: true });
const KEEP_ALIVE: Next = { bytes: encode(': keep-alive\n\n'), ends: false };

/** One reader's stream. */
class EventStream {
  readonly #log: Log;
  readonly #options: EventStreamOptions;
  readonly #tail: Tail;
  /** `seq` of the last event that it has sent. */
  #cursor: number;
  /** Its place in the tail: that of the batch that it sends next, if that follows the cursor. */
  #place: number;
  /** It has sent all that came before its place. */
  #keepsUp = false;
  #wake: ((why: Wake) => void) | null = null;
  #isCancelled = false;
  #isRevoked = false;

  constructor(log: Log, tail: Tail, options: EventStreamOptions) {
    this.#log = log;
    this.#tail = tail;
    this.#options = options;
    this.#cursor = options.after;
    this.#place = tail.after(options.after);
  }

  get place(): number {
    return this.#place;
  }

  get wantsPreviews(): boolean {
    return this.#options.previews;
  }

  markOf(owner: string): TokenMark {
    const { jti, issued } = this.#options;
    return { jti, sub: owner, issued };
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** The first bytes. */
  begin(): Uint8Array {
    return this.#gap() ?? encode(': stream\n\n');
  }

  /** Says that the events after the cursor are pruned; null: they are not. */
  #gap(): Uint8Array | null {
    const first = this.#log.first();
    if (this.#cursor >= first - 1) return null;
    const data = { type: 'session.gap', data: { from: this.#cursor + 1, to: first - 1 } };
    this.#cursor = first - 1;
    return encode(`event: session.gap\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** The next bytes, once there is something to send. */
  async next(): Promise<Next> {
    for (;;) {
      if (Date.now() >= this.#options.expires) return last(': the token has expired\n\n');
      if (this.#isRevoked) return last(': the token has been revoked\n\n');
      const bytes = this.#unsent();
      if (bytes !== null) return { bytes, ends: false };
      const wake = await this.#nextWake();
      if (wake === 'ended' && !this.#isRevoked) return END;
      if (wake === 'timer') return KEEP_ALIVE;
    }
  }

  revoke(): void {
    this.#isRevoked = true;
    this.wake('ended');
  }

  cancel(): void {
    this.#isCancelled = true;
    this.wake('ended');
  }

  wake(why: Wake): void {
    this.#wake?.(why);
  }

  /** What is due now; null: all is sent. */
  #unsent(): Uint8Array | null {
    // A slow reader can be overtaken by what is pruned.
    return this.#gap() ?? this.#fromTail() ?? this.#fromLog();
  }

  /** The next batches of the tail; null: none has come, or it is not what follows. */
  #fromTail(): Uint8Array | null {
    const { previews } = this.#options;
    const taken: Uint8Array[] = [];
    let length = 0;
    for (let batch = this.#tail.at(this.#place); batch?.before === this.#cursor; batch = this.#tail.at(this.#place)) {
      this.#place += 1;
      this.#cursor = batch.last;
      this.#keepsUp = true;
      if (!previews && !batch.hasEvents) continue;
      const messages = batch.messages(previews);
      taken.push(messages);
      length += messages.length;
      if (length >= BATCH_BYTES) break;
    }
    return joined(taken, length);
  }

  /** Events that the tail has no more, or never had; null: there are none. Who reads them here gets no previews. */
  #fromLog(): Uint8Array | null {
    if (this.#keepsUp && this.#place === this.#tail.end) return null;
    const events = this.#log.read(this.#cursor, BATCH_EVENTS, BATCH_BYTES);
    const batch = new Batch(events, this.#cursor);
    this.#cursor = batch.last;
    this.#place = this.#tail.after(batch.last);
    this.#keepsUp = events.length === 0;
    return events.length === 0 ? null : batch.messages(false);
  }

  #nextWake(): Promise<Wake> {
    return new Promise((resolve) => {
      const wait = Math.max(0, Math.min(KEEP_ALIVE_MS, this.#options.expires - Date.now()));
      const timer = setTimeout(() => this.wake('timer'), wait);
      this.#wake = (why) => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(why);
      };
    });
  }
}

/** One piece of several; null: of none. A reader that keeps up takes one at a time, which is not copied. */
function joined(pieces: readonly Uint8Array[], length: number): Uint8Array | null {
  const [first] = pieces;
  if (pieces.length <= 1) return first ?? null;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
