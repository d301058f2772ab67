import { WebSocket } from 'ws';
import { CloseCode } from '../../protocol/close-code.ts';
import { BATCH_BYTES } from '../../protocol/settings/limits.ts';
import { HEARTBEAT_MS } from '../../protocol/link/runner-control.ts';
import { backoffMs, type BackoffRange } from '../lib/backoff.ts';
import { dial, type DialEnd } from './dial.ts';
import type { Log } from '../lib/log.ts';

/** The session will never again listen to this container. */
export type Refusal = 'unauthorized' | 'not_found' | 'stale_epoch';

export interface DataSocketHandlers {
  open(): void;
  message(text: string): void;
  /** It broke and is dialled again. */
  down(): void;
  /** For good: it is not dialled again. */
  refused(why: Refusal): void;
  /** What was waiting to be sent has gone out. */
  flushed(): void;
}

export interface DataSocketOptions {
  url: string;
  token: string;
  log: Log;
  handlers: DataSocketHandlers;
  backoff?: BackoffRange;
  heartbeatMs?: number;
}

const BACKOFF: BackoffRange = { minMs: 50, maxMs: 5_000 };

/** A session's data socket: dialled again after every break, with backoff, until it is closed or refused for good. */
export class DataSocket {
  readonly #options: DataSocketOptions;
  #socket: WebSocket;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #attempt = 0;
  #closed = false;
  #batch: string[] = [];
  #batchSize = 0;

  constructor(options: DataSocketOptions) {
    this.#options = options;
    this.#socket = this.#dial();
  }

  /** Bytes handed over and not yet sent. */
  get waiting(): number {
    return this.#socket.bufferedAmount;
  }

  /** Sends a frame at the end of this turn of the event loop, in one message with all others of the same turn. */
  send(text: string): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#batchSize + text.length > BATCH_BYTES) this.#flush();
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(text);
    this.#batchSize += text.length;
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const message = this.#batch.join('\n');
    this.#batch = [];
    this.#batchSize = 0;
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    // An error here is the connection's, whose end is handled below.
    this.#socket.send(message, () => this.#options.handlers.flushed());
  }

  /** The session answers: the next break starts with short waits again. */
  healthy(): void {
    this.#attempt = 0;
  }

  /** Ends this connection, for a new one. */
  drop(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  pause(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    this.#flush();
    // `close` waits for what is still to be sent; one that never connected has nothing.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    else this.#socket.terminate();
  }

  #dial(): WebSocket {
    const { url, token, handlers } = this.#options;
    const socket = dial(url, token, {
      open: () => {
        this.#beat(socket);
        handlers.open();
      },
      message: (text) => {
        if (!this.#closed) handlers.message(text);
      },
      end: (how) => this.#ended(how),
    });
    return socket;
  }

  /** A host that vanished without a word leaves a connection that looks open: it must answer pings. */
  #beat(socket: WebSocket): void {
    let missed = 0;
    socket.on('pong', () => {
      missed = 0;
    });
    this.#heartbeat = setInterval(() => {
      // Paused, nothing is read, pongs neither.
      if (socket.isPaused) return;
      if (++missed > 3) socket.terminate();
      else socket.ping();
    }, this.#options.heartbeatMs ?? HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  #ended(how: DialEnd): void {
    clearInterval(this.#heartbeat);
    this.#batch = [];
    this.#batchSize = 0;
    if (this.#closed) return;
    const { handlers, log } = this.#options;
    const refusal = refusalOf(how);
    if (refusal !== undefined) {
      this.#closed = true;
      log.warn('data socket refused', { why: refusal });
      handlers.refused(refusal);
      return;
    }
    handlers.down();
    const delay = backoffMs(this.#attempt++, this.#options.backoff ?? BACKOFF, Math.random());
    log.debug('data socket down', { ...how, retryMs: Math.round(delay) });
    this.#timer = setTimeout(() => {
      this.#socket = this.#dial();
    }, delay);
  }
}

/** A status without the edge's own problem document (a proxy's, say) never ends a session. */
function refusalOf(how: DialEnd): Refusal | undefined {
  if (how.kind === 'closed') {
    if (how.code === CloseCode.unauthorized) return 'unauthorized';
    if (how.code === CloseCode.notFound) return 'not_found';
    if (how.code === CloseCode.staleEpoch) return 'stale_epoch';
  }
  if (how.kind === 'refused') {
    if (how.status === 401) return 'unauthorized';
    if (how.status === 404) return 'not_found';
    if (how.status === 410) return 'stale_epoch';
  }
  return undefined;
}
