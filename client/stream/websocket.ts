import type { CloseCode } from '../../protocol/close-code.ts';
import { CcDockerError } from '../error.ts';
import { broken, notJson, nothingFor, openingMs, parsed, sessionPath, within } from './connection.ts';
import type { Connect, Connection, Item, StreamSource } from './connection.ts';
import { Inbox } from './inbox.ts';
import { openSocket, type WebSocketConstructor, type WebSocketLike } from './open-socket.ts';
import { Silence } from './silence.ts';

type CodeOf<K extends keyof typeof CloseCode> = (typeof CloseCode)[K];
/** After one of these, a new connection may be refused as well. */
const REFUSING: readonly number[] = [4401, 4403, 4404] satisfies CodeOf<'unauthorized' | 'forbidden' | 'notFound'>[];

/** What has been read is acknowledged when it is this much, UTF-16 units: an eighth of what the service sends ahead. */
const ACKNOWLEDGED_EVERY = 1024 * 1024;

/**
 * Node.js fires `close` only when the TCP connection is closed too, which workerd does 10 s after its close frame. So it is looked
 * at, every so many milliseconds, whether the other end has closed (`readyState`).
 */
const LOOK_MS = 250;
const CLOSING = 2;
const NO_CODE = 1005;

/** @returns how to open a session's WebSocket */
export function connectWebSocket(source: StreamSource, WebSocket: WebSocketConstructor): Connect {
  const { http, sessionId } = source;
  return async (after, signal) => {
    // A WebSocket does not say why it was refused: the same, asked over HTTP, does.
    const refusal = async (cursor: number): Promise<CcDockerError | null> => {
      const path = `${sessionPath(sessionId)}/events?after=${cursor}&limit=1`;
      try {
        await within(openingMs(source), signal, (signal) => http.raw(path, { signal }, { retries: 0, answer: 'json' }));
        return null;
      } catch (error) {
        return error instanceof CcDockerError ? error : broken('It was left.', error);
      }
    };
    const socket = await openSocket(source, WebSocket, `stream?after=${after}&acks=true`, signal);
    const connection = new SocketConnection(socket, source, after, refusal);
    signal.addEventListener('abort', () => connection.abort(), { once: true });
    // While a token or a ticket was asked for.
    if (signal.aborted) connection.abort();
    await connection.opened;
    return connection;
  };
}

interface Frame {
  readonly items: readonly Item[];
  readonly length: number;
}

class SocketConnection implements Connection {
  readonly #socket: WebSocketLike;
  readonly #inbox = new Inbox<Frame>();
  readonly #silence: Silence;
  readonly #refusal: (cursor: number) => Promise<CcDockerError | null>;
  readonly #look: ReturnType<typeof setInterval>;
  readonly #opening = Promise.withResolvers<void>();
  #isOpen = false;
  #isClosed = false;
  #cursor: number;
  /** Read and not acknowledged, UTF-16 units. */
  #unacknowledged = 0;

  constructor(
    socket: WebSocketLike,
    source: StreamSource,
    after: number,
    refusal: (cursor: number) => Promise<CcDockerError | null>,
  ) {
    this.#socket = socket;
    this.#cursor = after;
    this.#refusal = refusal;
    const silent = (ms: number) => new Silence(ms, () => this.#end(nothingFor(ms)));
    this.#silence = silent(source.silenceMs);
    const opening = silent(openingMs(source));
    opening.heard();
    void this.#opening.promise.catch(() => undefined).then(() => opening.stop());
    socket.addEventListener('open', () => {
      this.#isOpen = true;
      this.#silence.heard();
      this.#opening.resolve();
    });
    socket.addEventListener('message', ({ data }: { data: unknown }) => this.#receive(data));
    socket.addEventListener('close', (event: { code: number; reason: string }) => void this.#closed(event));
    this.#look = setInterval(() => {
      if (socket.readyState === CLOSING) void this.#closed({ code: NO_CODE, reason: '' });
    }, LOOK_MS);
    // A `close` event follows, and says as much. (`ws` throws what nobody listens to.)
    socket.addEventListener('error', () => undefined);
  }

  /** Settles when it is open, or cannot be opened. */
  get opened(): Promise<void> {
    return this.#opening.promise;
  }

  async next(): Promise<readonly Item[] | null> {
    const frame = await this.#inbox.next();
    this.#unacknowledged += frame?.length ?? 0;
    return frame?.items ?? null;
  }

  acknowledge(seq: number): void {
    this.#cursor = seq;
    if (this.#unacknowledged < ACKNOWLEDGED_EVERY || this.#isClosed) return;
    this.#unacknowledged = 0;
    this.#socket.send(JSON.stringify({ type: 'ack', seq }));
  }

  close(): void {
    this.#end(null);
  }

  /** Its reader waits no longer, and throws the signal's reason itself. */
  abort(): void {
    this.#end(broken('It was left.'));
  }

  #receive(data: unknown): void {
    this.#silence.heard();
    const frame = parsed(String(data));
    if (frame === undefined) this.#end(notJson());
    // What is no array is a ping, or an answer to a frame.
    else if (Array.isArray(frame)) this.#inbox.push({ items: frame, length: String(data).length });
  }

  async #closed({ code, reason }: { code: number; reason: string }): Promise<void> {
    clearInterval(this.#look);
    if (this.#isClosed) return;
    const asks = !this.#isOpen || code === NO_CODE || REFUSING.includes(code);
    const refused = asks ? await this.#refusal(this.#cursor) : null;
    const how = this.#isOpen
      ? `The WebSocket closed with ${code} ${reason}`.trim()
      : 'The WebSocket could not be opened.';
    this.#end(refused ?? broken(how));
  }

  #end(failure: CcDockerError | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#look);
    this.#silence.stop();
    this.#inbox.end(failure);
    if (this.#isOpen) this.#opening.resolve();
    else this.#opening.reject(failure);
    this.#socket.close();
  }
}
