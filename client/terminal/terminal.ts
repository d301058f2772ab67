import type { TerminalAnswer, TerminalFrame } from '../../protocol/api/session/terminal.ts';
import { CcDockerError } from '../error.ts';
import { backoffMs, delay } from '../http/backoff.ts';
import type { CallOptions } from '../options.ts';
import { Inbox } from '../stream/inbox.ts';
import type { Reconnect } from '../stream/follow.ts';
import { TerminalInput } from './terminal-input.ts';
import { TerminalSocket, type TerminalSource } from './terminal-socket.ts';

export interface TerminalOptions extends CallOptions {
  /** What to run: a command and its arguments, which no shell reads. Default: a shell. */
  readonly command?: readonly [string, ...string[]] | undefined;
  /** In a terminal; else between pipes, with output and errors apart. Default: a shell has one, a command has none. */
  readonly tty?: boolean | undefined;
  /** Its size, and its kind (`TERM`). Default: 80 × 24, `xterm-256color`. */
  readonly cols?: number | undefined;
  readonly rows?: number | undefined;
  readonly term?: string | undefined;
  /** One that runs, in place of a new one. Its viewer, if it has one, loses it. */
  readonly terminal?: string | undefined;
  /** The session's container is being started. */
  readonly onWaiting?: ((waiting: { readonly status: string; readonly detail: string | null }) => void) | undefined;
  /** The terminal is there; and again after each break. */
  readonly onReady?: (() => void) | undefined;
  /** A connection has broken, and the next one is tried. */
  readonly onReconnect?: ((reconnect: Reconnect) => void) | undefined;
}

/** A piece of output. `error`: of a command between pipes, what it wrote to its error output. */
export type TerminalOutput =
  | { readonly stream: 'output' | 'error'; readonly bytes: Uint8Array }
  /** `bytes` of output are gone: nobody watched, and the terminal went on. */
  | { readonly stream: 'gap'; readonly bytes: number };

/** How a command ended. `signal`, such as `TERM`: it was ended by it, and has no `code`. */
export interface TerminalExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export type TerminalSignal = Extract<TerminalFrame, { type: 'signal' }>['signal'];

/** So much that is read is acknowledged at once, bytes: an eighth of what is sent ahead. */
const ACKNOWLEDGED_EVERY = 32 * 1024;
const ERROR_CHANNEL = 2;

/**
 * A shell or a command in a session's container. Connections that break are opened again, and no byte is lost or doubled, of neither
 * input nor output.
 */
export class SessionTerminal {
  /** By which it can be come back to. */
  readonly id: string;
  /**
   * All of its output, in order. Read it: the command waits for its reader.
   *
   * @throws CcDockerError when it is lost: `terminal_not_found` (its container has ended), `replaced` (another has it now), …
   * @throws the signal's reason
   */
  readonly output: AsyncIterable<TerminalOutput>;
  /** How its command ended. Rejects when it is lost, as `output` does. */
  readonly exited: Promise<TerminalExit>;
  readonly #source: TerminalSource;
  readonly #options: TerminalOptions;
  readonly #signal: AbortSignal;
  readonly #leave = new AbortController();
  readonly #inbox = new Inbox<{ output: TerminalOutput; at: number }>();
  readonly #input = new TerminalInput();
  readonly #exit = Promise.withResolvers<TerminalExit>();
  readonly #tty: boolean;
  #size: { cols: number; rows: number };
  #socket: TerminalSocket | null = null;
  #isReady = false;
  #isEnded = false;
  /** As the service says: who comes back to a terminal need not know. */
  #isTty = true;
  #hasBegun: boolean;
  #at: number | null = null;
  #acknowledged = 0;
  #attempt = 0;

  /** Begins at once. */
  constructor(source: TerminalSource, options: TerminalOptions, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#options = options;
    this.#tty = options.tty ?? options.command === undefined;
    this.id = options.terminal ?? newId();
    this.#hasBegun = options.terminal !== undefined;
    this.#size = { cols: options.cols ?? 80, rows: options.rows ?? 24 };
    this.#signal = signal === undefined ? this.#leave.signal : AbortSignal.any([signal, this.#leave.signal]);
    this.exited = this.#exit.promise;
    // Who reads the output hears of a failure there.
    this.exited.catch(() => undefined);
    this.output = { [Symbol.asyncIterator]: () => this.#read() };
    void this.#run();
  }

  /** Types. Resolves when there is room for more. */
  async write(input: string | Uint8Array): Promise<void> {
    this.#input.push(typeof input === 'string' ? new TextEncoder().encode(input) : input);
    this.#send();
    await this.#input.room();
  }

  /** Nothing more is typed: the command's input ends after what was. */
  end(): void {
    this.#isEnded = true;
    this.#send();
  }

  resize(cols: number, rows: number): void {
    this.#size = { cols, rows };
    if (this.#isReady) this.#socket?.send({ type: 'resize', cols, rows });
  }

  /** Signals the command and its processes. */
  kill(signal: TerminalSignal): void {
    if (this.#isReady) this.#socket?.send({ type: 'signal', signal });
  }

  /** Leaves it. It goes on for a while: `session.terminal({ terminal: id })` comes back. */
  leave(): void {
    this.#leave.abort(new CcDockerError({ code: 'left', detail: 'The terminal was left.', retryable: false }));
  }

  async *#read(): AsyncGenerator<TerminalOutput, void> {
    for (let next = await this.#inbox.next(); next !== null; next = await this.#inbox.next()) {
      yield next.output;
      this.#acknowledge(next.at);
    }
  }

  #acknowledge(at: number): void {
    if (at - this.#acknowledged < ACKNOWLEDGED_EVERY) return;
    this.#acknowledged = at;
    this.#socket?.send({ type: 'ack', at });
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        const error = await this.#connect();
        if (error === null) return this.#inbox.end(null);
        if (!error.retryable) throw error;
        const waitMs = Math.max(
          error.retryAfterMs ?? 0,
          backoffMs(this.#attempt, this.#source.http.backoff, Math.random()),
        );
        this.#attempt += 1;
        this.#options.onReconnect?.({ error, attempt: this.#attempt, waitMs });
        await delay(waitMs, this.#signal);
      }
    } catch (thrown) {
      const failure = this.#signal.aborted ? this.#signal.reason : thrown;
      this.#exit.reject(failure);
      this.#inbox.end(failure as Error);
    } finally {
      this.#input.stop();
    }
  }

  /** One connection. @returns why it is over; null: the command has ended */
  async #connect(): Promise<CcDockerError | null> {
    this.#isReady = false;
    let socket: TerminalSocket;
    try {
      socket = await TerminalSocket.open(
        this.#source,
        this.#query(),
        {
          opened: () => {
            const { command } = this.#options;
            if (command !== undefined && !this.#hasBegun)
              this.#socket?.send({ type: 'command', command: [...command] });
          },
          answer: (answer) => this.#answered(answer),
          bytes: (bytes) => this.#arrived(bytes),
        },
        this.#signal,
      );
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof CcDockerError) return error;
      throw error;
    }
    this.#socket = socket;
    const stop = () => socket.close(null);
    this.#signal.addEventListener('abort', stop, { once: true });
    // While a token or a ticket was asked for.
    if (this.#signal.aborted) stop();
    try {
      const error = await socket.ended;
      this.#signal.throwIfAborted();
      return error;
    } finally {
      this.#signal.removeEventListener('abort', stop);
      this.#isReady = false;
      this.#socket = null;
    }
  }

  #query(): URLSearchParams {
    const { cols, rows } = this.#size;
    const query = new URLSearchParams({ terminal: this.id, cols: String(cols), rows: String(rows), acks: 'true' });
    query.set('begin', String(!this.#hasBegun));
    if (this.#at !== null) query.set('after', String(this.#at));
    if (this.#hasBegun) return query;
    query.set('tty', String(this.#tty));
    if (this.#options.term !== undefined) query.set('term', this.#options.term);
    if (this.#options.command !== undefined) query.set('exec', 'true');
    return query;
  }

  #answered(answer: TerminalAnswer): void {
    switch (answer.type) {
      case 'waiting':
        return this.#options.onWaiting?.(answer);
      case 'ready':
        this.#hasBegun = true;
        this.#attempt = 0;
        this.#at ??= answer.at;
        this.#acknowledged = this.#at;
        this.#isReady = true;
        this.#input.begin(answer.input);
        this.#isTty = answer.tty;
        this.#options.onReady?.();
        return this.#send();
      case 'taken':
        this.#input.taken(answer.input);
        return this.#send();
      case 'gap':
        this.#inbox.push({ output: { stream: 'gap', bytes: answer.to - answer.from }, at: answer.to });
        this.#at = answer.to;
        return;
      case 'exit':
        this.#exit.resolve({ code: answer.code, signal: answer.signal });
        return this.#socket?.close(null);
      case 'ping':
      case 'pong':
      case 'error':
        return;
    }
  }

  #arrived(bytes: Uint8Array): void {
    if (this.#at === null) return;
    const stream = !this.#isTty && bytes[0] === ERROR_CHANNEL ? 'error' : 'output';
    const output = this.#isTty ? bytes : bytes.subarray(1);
    this.#at += output.length;
    this.#inbox.push({ output: { stream, bytes: output }, at: this.#at });
  }

  #send(): void {
    if (!this.#isReady) return;
    for (let frame = this.#input.next(); frame !== null; frame = this.#input.next()) this.#socket?.input(frame);
    // After all of it was taken: before, a connection that breaks would bring some of it again.
    if (this.#isEnded && this.#input.length === 0) this.#socket?.send({ type: 'end' });
  }
}

/** A UUID, also on pages without TLS, where `crypto.randomUUID` is not there. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
