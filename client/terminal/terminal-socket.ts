import type { TerminalAnswer, TerminalFrame } from '../../protocol/api/session/terminal.ts';
import { CcDockerError } from '../error.ts';
import type { Http } from '../http/http.ts';
import { broken, nothingFor, openingMs, parsed, sessionPath, within } from '../stream/connection.ts';
import { openSocket, type WebSocketConstructor, type WebSocketLike } from '../stream/open-socket.ts';
import { Silence } from '../stream/silence.ts';

/** What a connection to a terminal needs of its client. */
export interface TerminalSource {
  readonly http: Http;
  readonly WebSocket: WebSocketConstructor;
  readonly sessionId: string;
  /** A connection on which nothing has come for this long is given up, milliseconds. */
  readonly silenceMs: number;
}

export interface SocketListener {
  opened(): void;
  answer(answer: TerminalAnswer): void;
  /** As it came: between pipes, with the byte that says of which stream it is. */
  bytes(bytes: Uint8Array): void;
}

/** After one of these, coming back is of no use. */
const FINAL: ReadonlySet<string> = new Set([
  'command_missing',
  'container_outdated',
  'replaced',
  'runner_outdated',
  'session_not_found',
  'terminal_limit_reached',
  'terminal_not_found',
  'terminal_off',
  'terminal_unavailable',
  'token_expired',
  'token_revoked',
  'too_much_input',
]);

/** As of the stream of events: Node.js says late that the other end has closed. Milliseconds. */
const LOOK_MS = 250;
const OPEN = 1;
const CLOSING = 2;

/** One connection to a terminal. */
export class TerminalSocket {
  /** Settles when it is over, to why. `retryable`: another one may do better. Null: all was said. */
  readonly ended: Promise<CcDockerError | null>;
  readonly #settle: (error: CcDockerError | null) => void;
  readonly #socket: WebSocketLike;
  readonly #silence: Silence;
  readonly #look: ReturnType<typeof setInterval>;
  #said: CcDockerError | null = null;
  #isOpen = false;
  #isOver = false;

  /** @throws CcDockerError when there is no ticket to be had */
  static async open(
    source: TerminalSource,
    query: URLSearchParams,
    listener: SocketListener,
    signal: AbortSignal,
  ): Promise<TerminalSocket> {
    const socket = await openSocket(source, source.WebSocket, `terminal?${query.toString()}`, signal);
    // A WebSocket does not say why it was refused: the same, asked over HTTP, does.
    const refusal = async (): Promise<CcDockerError> => {
      const path = `${sessionPath(source.sessionId)}/terminal`;
      try {
        await within(openingMs(source), signal, (signal) =>
          source.http.raw(path, { signal }, { retries: 0, answer: 'text' }),
        );
      } catch (error) {
        if (error instanceof CcDockerError && error.code !== 'upgrade_required') return error;
      }
      return broken('The WebSocket could not be opened.');
    };
    return new TerminalSocket(socket, source, listener, refusal);
  }

  private constructor(
    socket: WebSocketLike,
    source: TerminalSource,
    listener: SocketListener,
    refusal: () => Promise<CcDockerError>,
  ) {
    const { promise, resolve } = Promise.withResolvers<CcDockerError | null>();
    this.ended = promise;
    this.#settle = resolve;
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    const silent = (ms: number) => new Silence(ms, () => this.#end(nothingFor(ms)));
    this.#silence = silent(source.silenceMs);
    const opening = silent(openingMs(source));
    opening.heard();
    void promise.then(() => opening.stop());
    socket.addEventListener('open', () => {
      this.#isOpen = true;
      opening.stop();
      this.#silence.heard();
      listener.opened();
    });
    socket.addEventListener('message', ({ data }: { data: unknown }) => {
      if (this.#isOver) return;
      this.#silence.heard();
      if (data instanceof ArrayBuffer) listener.bytes(new Uint8Array(data));
      else this.#heard(parsed(String(data)), listener);
    });
    const closed = () => {
      if (this.#isOver) return;
      if (this.#isOpen) this.#end(this.#said ?? broken('The WebSocket closed.'));
      else void refusal().then((error) => this.#end(error));
    };
    socket.addEventListener('close', closed);
    this.#look = setInterval(() => {
      if (socket.readyState === CLOSING) closed();
    }, LOOK_MS);
    // A `close` event follows.
    socket.addEventListener('error', () => undefined);
  }

  send(frame: TerminalFrame): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify(frame));
  }

  input(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(bytes);
  }

  /** @param error why; null: all was said */
  close(error: CcDockerError | null): void {
    this.#end(error);
  }

  #heard(frame: unknown, listener: SocketListener): void {
    if (typeof frame !== 'object' || frame === null || !('type' in frame))
      return this.#end(broken('What came is not JSON.'));
    // Types that a later version adds are passed over by who reads them.
    const answer = frame as TerminalAnswer;
    if (answer.type !== 'error') return listener.answer(answer);
    // Of a frame that was not taken, which is a fault of this client; or why the connection closes now.
    const { code, detail } = answer;
    this.#said = new CcDockerError({ code, detail, retryable: !FINAL.has(code) && code !== 'invalid_request' });
    if (!this.#said.retryable) this.#end(this.#said);
  }

  #end(error: CcDockerError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#look);
    this.#silence.stop();
    this.#socket.close();
    this.#settle(error);
  }
}
