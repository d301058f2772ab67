import { BATCH_BYTES, BATCH_EVENTS } from '../protocol/limits.ts';
import { envelopeJson, type EventLog } from './event-log.ts';

/** Between two comments that keep an idle stream open through proxies, milliseconds. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Server-Sent Events of one session: the log after a cursor, then what comes. The reader sets the pace: an event is
 * read from the log when the client has room for it, so a slow client costs no memory.
 */
export class EventStreams {
  readonly #log: EventLog;
  readonly #waiting = new Set<() => void>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Wakes the streams: something was stored. */
  notify(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  open(after: number): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let cursor = after;
    let stop: (() => void) | null = null;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const first = this.#log.first();
        if (cursor >= first - 1) {
          // Headers alone do not reach every client before the first byte of the body does.
          return controller.enqueue(encoder.encode(': stream\n\n'));
        }
        const data = JSON.stringify({ type: 'session.gap', data: { from: cursor + 1, to: first - 1 } });
        cursor = first - 1;
        controller.enqueue(encoder.encode(`event: session.gap\ndata: ${data}\n\n`));
      },
      pull: async (controller) => {
        const events = this.#log.read(cursor, BATCH_EVENTS, BATCH_BYTES);
        const last = events.at(-1);
        if (last === undefined) {
          const stored = await new Promise<boolean>((resolve) => {
            const timer = setTimeout(() => {
              this.#waiting.delete(wake);
              resolve(false);
            }, KEEP_ALIVE_MS);
            const wake = () => {
              clearTimeout(timer);
              resolve(true);
            };
            stop = () => {
              clearTimeout(timer);
              this.#waiting.delete(wake);
              resolve(false);
            };
            this.#waiting.add(wake);
          });
          // A pull that enqueues nothing is not called again, so each round says something.
          controller.enqueue(encoder.encode(stored ? ':\n' : ': keep-alive\n\n'));
          return;
        }
        cursor = last.seq;
        const text = events.map((event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${envelopeJson(event)}\n\n`);
        controller.enqueue(encoder.encode(text.join('')));
      },
      cancel: () => stop?.(),
    });
  }
}
