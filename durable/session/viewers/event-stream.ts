import { BATCH_BYTES } from '../../../protocol/settings/limits.ts';
import { bodyOf, encode, PacedStream, type StreamToken } from '../../shared/sse/paced-stream.ts';
import type { Revocation } from '../../shared/tokens/revocation.ts';
import type { StoredEvent } from '../core/shown.ts';
import { Batch } from './batch.ts';
import { Tail } from './tail.ts';

/** Events that are read of the log at once: 5 ms of work. Each such piece waits for the reader, so small ones make a long replay slow. */
const REPLAY_EVENTS = 1000;

/** What the streams need of the session's log. */
interface Log {
  first(): number;
  read(after: number, limit: number, bytes: number): StoredEvent[];
}

export interface EventStreamsHandlers {
  /** A stream has ended. */
  left(): void;
  /** So many bytes were sent. */
  sent(bytes: number): void;
}

export interface EventStreamOptions extends StreamToken {
  /** The cursor to start after. */
  readonly after: number;
  /** The reader wants previews too. */
  readonly previews: boolean;
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

  /** Passes on what is shown. @returns whether anybody is shown it */
  publish(batch: Batch): boolean {
    const readers = [...this.#open].filter((stream) => batch.hasEvents || stream.wantsPreviews);
    if (readers.length === 0) return false;
    this.#tail.push(batch);
    for (const stream of readers) stream.wake();
    return true;
  }

  /** Ends the streams: the session was deleted. */
  end(): void {
    this.#ended = true;
    for (const stream of this.#open) stream.end();
  }

  /** Ends the streams whose token is revoked. */
  endRevoked(what: Revocation, owner: string): void {
    for (const stream of this.#open) stream.endIfRevoked(what, owner);
  }

  open(options: EventStreamOptions): ReadableStream<Uint8Array> {
    const stream = new EventStream(this.#log, this.#tail, options);
    this.#open.add(stream);
    if (this.#ended) stream.end();
    return bodyOf(stream, {
      sent: (bytes) => {
        this.#trim();
        this.#on.sent(bytes);
      },
      left: () => {
        this.#open.delete(stream);
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

/** One reader's stream. */
class EventStream extends PacedStream {
  readonly #log: Log;
  readonly #options: EventStreamOptions;
  readonly #tail: Tail;
  /** `seq` of the last event that it has sent. */
  #cursor: number;
  /** Its place in the tail: that of the batch that it sends next, if that follows the cursor. */
  #place: number;
  /** It has sent all that came before its place. */
  #keepsUp = false;

  constructor(log: Log, tail: Tail, options: EventStreamOptions) {
    super(options);
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

  override begin(): Uint8Array {
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

  protected override unsent(): Uint8Array | null {
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
    const events = this.#log.read(this.#cursor, REPLAY_EVENTS, BATCH_BYTES);
    const batch = new Batch(events, this.#cursor);
    this.#cursor = batch.last;
    this.#place = this.#tail.after(batch.last);
    this.#keepsUp = events.length === 0;
    return events.length === 0 ? null : batch.messages(false);
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
