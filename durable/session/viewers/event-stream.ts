import { BATCH_BYTES, BATCH_EVENTS } from '../../../protocol/settings/limits.ts';
import { isRevokedBy, type Revocation, type TokenMark } from '../../shared/revocation.ts';
import { envelopeJson, previewJson, type EventLog, type StreamItem } from '../store/tables/event-log.ts';

/** Interval of the comments that keep an idle stream open through proxies, milliseconds. */
const KEEP_ALIVE_MS = 15_000;
/** Previews that may wait for a slow reader, characters. Those beyond are dropped. */
const MAX_PREVIEWS = 1024 * 1024;

/** Why an idle stream wakes. */
type Wake = 'shown' | 'timer' | 'ended';

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

/** A preview that waits, and the `seq` of the event that it follows. */
interface WaitingPreview {
  readonly after: number;
  readonly text: string;
}

/**
 * Server-Sent Events of one session: the log after a cursor, then new events as they come. The reader sets the pace: an
 * event is read from the log only when the client has room for it, so a slow client costs no memory.
 */
export class EventStreams {
  readonly #log: EventLog;
  readonly #open = new Set<EventStream>();
  readonly #left: () => void;
  #ended = false;

  /** @param left called when a stream has ended */
  constructor(log: EventLog, left: () => void) {
    this.#log = log;
    this.#left = left;
  }

  /** Those that are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Passes on what is shown. @param before `seq` of the last event before it */
  publish(items: readonly StreamItem[], before: number): void {
    if (items.length > 0) for (const stream of this.#open) stream.publish(items, before);
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
    const stream = new EventStream(this.#log, options);
    this.#open.add(stream);
    return new ReadableStream<Uint8Array>({
      // Some clients see the headers only when the first byte of the body arrives, so something is sent at once.
      start: (controller) => controller.enqueue(encode(stream.begin())),
      // The runtime does not call `pull` again if it enqueued nothing, so each call sends at least a comment.
      pull: async (controller) => {
        const { text, ends } = this.#ended ? END : await stream.next();
        if (stream.isCancelled) return;
        if (text !== '') controller.enqueue(encode(text));
        if (!ends) return;
        this.#open.delete(stream);
        controller.close();
        this.#left();
      },
      cancel: () => {
        this.#open.delete(stream);
        stream.cancel();
        this.#left();
      },
    });
  }
}

interface Next {
  readonly text: string;
  readonly ends: boolean;
}
const END: Next = { text: '', ends: true };
const more = (text: string): Next => ({ text, ends: false });

/** One reader's stream. */
class EventStream {
  readonly #log: EventLog;
  readonly #options: EventStreamOptions;
  #cursor: number;
  #previews: WaitingPreview[] = [];
  #previewsSize = 0;
  #wake: ((why: Wake) => void) | null = null;
  #isCancelled = false;
  #isRevoked = false;

  constructor(log: EventLog, options: EventStreamOptions) {
    this.#log = log;
    this.#options = options;
    this.#cursor = options.after;
  }

  markOf(owner: string): TokenMark {
    const { jti, issued } = this.#options;
    return { jti, sub: owner, issued };
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** The first text. */
  begin(): string {
    return this.#gap() || ': stream\n\n';
  }

  /** Says that the events after the cursor are pruned; '': they are not. */
  #gap(): string {
    const first = this.#log.first();
    if (this.#cursor >= first - 1) return '';
    const data = { type: 'session.gap', data: { from: this.#cursor + 1, to: first - 1 } };
    this.#cursor = first - 1;
    return `event: session.gap\ndata: ${JSON.stringify(data)}\n\n`;
  }

  /** The next text, once there is something to send. */
  async next(): Promise<Next> {
    for (;;) {
      if (Date.now() >= this.#options.expires) return { text: ': the token has expired\n\n', ends: true };
      if (this.#isRevoked) return { text: ': the token has been revoked\n\n', ends: true };
      const text = this.#unsent();
      if (text !== '') return more(text);
      const wake = await this.#nextWake();
      if (wake === 'ended' && !this.#isRevoked) return END;
      if (wake === 'timer') return more(': keep-alive\n\n');
    }
  }

  /** Something is shown. Only a reader that keeps up gets previews. */
  publish(items: readonly StreamItem[], before: number): void {
    const keepsUp = this.#options.previews && this.#cursor >= before;
    let after = before;
    let isOfInterest = false;
    for (const one of items) {
      if ('seq' in one) after = one.seq;
      else if (!keepsUp || !this.#keep({ after, text: frame('stream_event', previewJson(one)) })) continue;
      isOfInterest = true;
    }
    if (isOfInterest) this.wake('shown');
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

  /** What is due now, in order: events up to the next preview, or previews; '' when all is sent. */
  #unsent(): string {
    // A slow reader can be overtaken by what is pruned.
    const gap = this.#gap();
    if (gap !== '') return gap;
    const [preview] = this.#previews;
    const limit = preview === undefined ? BATCH_EVENTS : Math.min(BATCH_EVENTS, preview.after - this.#cursor);
    const events = limit > 0 ? this.#log.read(this.#cursor, limit, BATCH_BYTES) : [];
    const last = events.at(-1);
    if (last === undefined) return preview === undefined ? '' : this.#takePreviews(preview.after);
    this.#cursor = last.seq;
    return events.map((event) => `id: ${event.seq}\n${frame(event.type, envelopeJson(event))}`).join('');
  }

  #keep(preview: WaitingPreview): boolean {
    const size = this.#previewsSize + preview.text.length;
    if (size > MAX_PREVIEWS) return false;
    this.#previewsSize = size;
    this.#previews.push(preview);
    return true;
  }

  /** The previews that follow the same event. */
  #takePreviews(after: number): string {
    const others = this.#previews.findIndex((preview) => preview.after !== after);
    const taken = this.#previews.splice(0, others === -1 ? this.#previews.length : others);
    const text = taken.map((preview) => preview.text).join('');
    this.#previewsSize -= text.length;
    return text;
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

/** One message of the stream. Line breaks in a type or around JSON's tokens would end it early: a container may send any. */
function frame(type: string, json: string): string {
  return `event: ${oneLine(type)}\ndata: ${oneLine(json)}\n\n`;
}

const oneLine = (text: string) => (/[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text);

const encoder = new TextEncoder();
const encode = (text: string) => encoder.encode(text);
