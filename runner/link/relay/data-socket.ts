import { WebSocket } from 'ws';
import { CloseCode } from '../../../protocol/close-code.ts';
import { BATCH_BYTES } from '../../../protocol/settings/limits.ts';
import { HEARTBEAT_MS } from '../../../protocol/link/runner-control.ts';
import { backoffMs, type BackoffRange } from '../../lib/backoff.ts';
import { dial, type DialEnd, type EdgeAgents } from '../dial.ts';
import { Allowance } from './pace.ts';
import type { Log } from '../../lib/log.ts';

/** Why the session will never listen to this container again. */
export type Refusal = 'unauthorized' | 'not_found' | 'stale_epoch';

interface DataSocketHandlers {
  open(): void;
  message(text: string): void;
  /** The connection broke. A new one follows. */
  down(): void;
  /** The session refused the connection for good. No new one follows. */
  refused(why: Refusal): void;
  /** A message has gone out. */
  flushed(): void;
}

export interface DataSocketOptions {
  url: string;
  token: string;
  /** Absent: the session is dialled directly. */
  agents?: EdgeAgents | undefined;
  log: Log;
  handlers: DataSocketHandlers;
  backoff?: BackoffRange;
  heartbeatMs?: number;
}

/**
 * Each message costs the session a transaction. A wrapper joins what nobody waits for, so its frames go out at once; but one
 * that sends them without end has this many messages a second. In a rush a wrapper sends some 50 (`wrapper/link/rush.ts`), and
 * answers pings and acknowledges besides: these do not have to wait.
 */
const MESSAGES_PER_SECOND = 80;
const MESSAGES_AT_ONCE = 6;

const BACKOFF: BackoffRange = { minMs: 50, maxMs: 5_000 };

/** A session's data socket. It reconnects with backoff after every break, until it is closed or refused for good. */
export class DataSocket {
  readonly #options: DataSocketOptions;
  #socket: WebSocket;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #attempt = 0;
  #closed = false;
  #batch: string[] = [];
  #batchSize = 0;
  #rush: NodeJS.Timeout | undefined;
  readonly #messages = new Allowance(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE, performance.now());

  constructor(options: DataSocketOptions) {
    this.#options = options;
    this.#socket = this.#dial();
  }

  /** Bytes that wait to be sent. */
  get waiting(): number {
    return this.#socket.bufferedAmount + this.#batchSize;
  }

  /**
   * Sends a frame at the end of this turn of the event loop, or when the next message may go out, in one message with the
   * others until then.
   */
  send(text: string): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#batchSize + text.length > BATCH_BYTES) this.#flush();
    if (this.#batch.length === 0) {
      const wait = this.#messages.wait(performance.now());
      if (wait === 0) queueMicrotask(() => this.#flush());
      else this.#rush ??= setTimeout(() => this.#flush(), wait);
    }
    this.#batch.push(text);
    this.#batchSize += text.length;
  }

  #flush(): void {
    clearTimeout(this.#rush);
    this.#rush = undefined;
    if (this.#batch.length === 0) return;
    this.#messages.take(1, performance.now());
    const message = this.#batch.join('\n');
    this.#batch = [];
    this.#batchSize = 0;
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    // An error here is one of the connection, whose end `#ended` handles.
    this.#socket.send(message, () => this.#options.handlers.flushed());
  }

  /** The connection does its work: after the next break, waits are short again. */
  resetBackoff(): void {
    this.#attempt = 0;
  }

  /** Closes this connection. A new one follows. */
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
    // `close` first sends what is waiting. A socket that is not connected has nothing to send.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    else this.#socket.terminate();
  }

  #dial(): WebSocket {
    const { url, token, agents, handlers } = this.#options;
    const socket = dial(
      url,
      token,
      {
        open: () => {
          this.#beat(socket);
          handlers.open();
        },
        message: (text) => {
          if (!this.#closed) handlers.message(text);
        },
        end: (how) => this.#ended(how),
      },
      agents,
    );
    return socket;
  }

  /** Ends a connection that no longer answers pings: one to a host that vanished still looks open. */
  #beat(socket: WebSocket): void {
    let missed = 0;
    socket.on('pong', () => {
      missed = 0;
    });
    this.#heartbeat = setInterval(() => {
      // A paused socket reads nothing, and so no pongs.
      if (socket.isPaused) return;
      if (++missed > 3) socket.terminate();
      else socket.ping();
    }, this.#options.heartbeatMs ?? HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  #ended(how: DialEnd): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#rush);
    this.#rush = undefined;
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

/** An HTTP status without the edge's own problem document, of a proxy for example, never ends a session. */
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
