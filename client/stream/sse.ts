import { createParser } from 'eventsource-parser';
import { broken, notJson, nothingFor, openingMs, parsed, sessionPath } from './connection.ts';
import type { Connect, Connection, Item, StreamSource } from './connection.ts';
import { Silence } from './silence.ts';

/** @returns how to open a session's stream of Server-Sent Events */
export function connectEventStream(source: StreamSource): Connect {
  const { sessionId, previews } = source;
  const path = `${sessionPath(sessionId)}/events`;
  return connectTo(source, (after) => `${path}?after=${after}${previews ? '&previews=true' : ''}`);
}

/** @returns how to open a stream of Server-Sent Events, whose `data` is a `T` */
export function connectTo<T extends { readonly type: string } = Item>(
  source: Pick<StreamSource, 'http' | 'silenceMs'>,
  pathAfter: (after: number) => string,
): Connect<T> {
  const { http, silenceMs } = source;
  return async (after, signal) => {
    // Not only the answer, but also what does not come ends it.
    const silent = new AbortController();
    const silence = new Silence(silenceMs, () => silent.abort(nothingFor(silenceMs)));
    const opening = new Silence(openingMs(source), () => silent.abort(nothingFor(openingMs(source))));
    opening.heard();
    try {
      const init = { headers: { accept: 'text/event-stream' }, signal: AbortSignal.any([signal, silent.signal]) };
      const { body } = await http.raw(pathAfter(after), init, { retries: 0 });
      if (body === null) throw broken('The stream is empty.');
      return new EventStreamConnection<T>(body.getReader(), silence, silent.signal);
    } catch (error) {
      throw silent.signal.aborted ? silent.signal.reason : error;
    } finally {
      opening.stop();
    }
  };
}

class EventStreamConnection<T extends { readonly type: string }> implements Connection<T> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #silence: Silence;
  readonly #silent: AbortSignal;
  readonly #items: T[] = [];
  readonly #parser = createParser({
    // The service says what it is.
    onEvent: ({ data }) => this.#items.push(itemOf(data) as T),
  });

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>, silence: Silence, silent: AbortSignal) {
    this.#reader = reader;
    this.#silence = silence;
    this.#silent = silent;
  }

  async next(): Promise<readonly T[] | null> {
    while (this.#items.length === 0) {
      const { done, value } = await this.#read();
      if (done) return null;
      this.#parser.feed(this.#decoder.decode(value, { stream: true }));
    }
    return this.#items.splice(0);
  }

  async #read() {
    // Whoever takes long to read what came does not wait for the service.
    this.#silence.heard();
    try {
      return await this.#reader.read();
    } catch (error) {
      if (this.#silent.aborted) throw this.#silent.reason;
      throw broken('The stream broke.', error);
    } finally {
      this.#silence.stop();
    }
  }

  /** The service sends no more than its reader takes. */
  acknowledge(): void {}

  close(): void {
    this.#silence.stop();
    this.#reader.cancel().catch(() => undefined);
  }
}

/** A message of the stream, such as an event with its `seq`, a preview, or a gap. */
function itemOf(data: string): { readonly type: unknown } {
  const item = parsed(data);
  if (typeof item !== 'object' || item === null || !('type' in item)) throw notJson();
  return item;
}
