import { BATCH_BYTES, BATCH_EVENTS } from '../../../protocol/settings/limits.ts';
import { envelopeJson, type EventLog } from '../store/tables/event-log.ts';

/** Interval of the comments that keep an idle stream open through proxies, milliseconds. */
const KEEP_ALIVE_MS = 15_000;

/** Why an idle stream wakes. */
type Wake = 'stored' | 'idle' | 'ended';

/**
 * Server-Sent Events of one session: the log after a cursor, then new events as they come. The reader sets the pace: an
 * event is read from the log only when the client has room for it, so a slow client costs no memory.
 */
export class EventStreams {
  readonly #log: EventLog;
  readonly #waiting = new Set<(reason: Wake) => void>();
  #ended = false;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Wakes the streams: events were stored. */
  notify(): void {
    this.#wakeAll('stored');
  }

  /** Ends the streams: the session was deleted. */
  end(): void {
    this.#ended = true;
    this.#wakeAll('ended');
  }

  open(after: number): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    const cancelled = new AbortController();
    let cursor = after;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const first = this.#log.first();
        if (cursor >= first - 1) {
          // Some clients see the headers only when the first byte of the body arrives, so one is sent at once.
          return controller.enqueue(encoder.encode(': stream\n\n'));
        }
        const data = JSON.stringify({ type: 'session.gap', data: { from: cursor + 1, to: first - 1 } });
        cursor = first - 1;
        controller.enqueue(encoder.encode(`event: session.gap\ndata: ${data}\n\n`));
      },
      pull: async (controller) => {
        if (this.#ended) return controller.close();
        const events = this.#log.read(cursor, BATCH_EVENTS, BATCH_BYTES);
        const last = events.at(-1);
        if (last !== undefined) {
          cursor = last.seq;
          const text = events.map(
            (event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${envelopeJson(event)}\n\n`,
          );
          return controller.enqueue(encoder.encode(text.join('')));
        }
        const reason = await this.#nextWake(cancelled.signal);
        if (cancelled.signal.aborted) return;
        if (reason === 'ended') return controller.close();
        // The runtime does not call `pull` again if it enqueued nothing, so each call sends at least a comment.
        controller.enqueue(encoder.encode(reason === 'stored' ? ':\n' : ': keep-alive\n\n'));
      },
      cancel: () => cancelled.abort(),
    });
  }

  #wakeAll(reason: Wake): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake(reason);
  }

  #nextWake(cancelled: AbortSignal): Promise<Wake> {
    return new Promise((resolve) => {
      const wake = (reason: Wake) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(reason);
      };
      const timer = setTimeout(() => wake('idle'), KEEP_ALIVE_MS);
      this.#waiting.add(wake);
      cancelled.addEventListener('abort', () => wake('ended'), { once: true });
    });
  }
}
