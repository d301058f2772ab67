import { CloseCode } from '../../../protocol/close-code.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import { PROTOCOL } from '../../../protocol/link/protocol-version.ts';
import { frameReader, type Received } from '../../../protocol/link/tolerant-reader.ts';
import { sessionFrame, type SessionFrame } from '../../../protocol/link/wrapper/wrapper-link.ts';
import type { WrapperFrame } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import type { BackoffRange } from '../../lib/backoff.ts';
import { runnerMetrics } from '../../lib/metrics.ts';
import type { Log } from '../../lib/log.ts';
import { DataSocket, type Refusal } from './data-socket.ts';
import type { EdgeAgents } from '../dial.ts';
import { NoticeBuffer } from './notice-buffer.ts';

export interface SessionPortOptions {
  /** The session's data socket. */
  url: string;
  token: string;
  /** Absent: the session is dialled directly. */
  agents?: EdgeAgents | undefined;
  epoch: number;
  /** This process launched the container: no notice of this epoch was sent before. */
  fresh: boolean;
  /** The session asks for its tunnel. Absent: none can be had, and the session knows it. */
  onTunnel?: () => void;
  log: Log;
  backoff?: BackoffRange;
  heartbeatMs?: number;
}

export interface SessionPortHandlers {
  /** Connected: `greet` now works. */
  open(): void;
  /** A frame after this connection's `hello`, and its text. */
  frame(frame: Exclude<SessionFrame, { kind: 'tunnel' }>, text: string): void;
  /** The connection broke. A new one follows. */
  down(): void;
  /** The session refused the connection for good. */
  refused(why: Refusal): void;
  /** A message has gone out. */
  flushed(): void;
}

/** A relay's connection to the session: the handshake on it, the count of commands taken, and the runner's own notices. */
export class SessionPort {
  readonly #options: SessionPortOptions;
  readonly #handlers: SessionPortHandlers;
  readonly #notices: NoticeBuffer;
  readonly #data: DataSocket;
  /** `open`: connected; `greeted`: `hello` is sent; `live`: `welcome` has come. */
  #state: 'down' | 'open' | 'greeted' | 'live' = 'down';
  /** The last command that the session knows to be taken. */
  #reportedTaken = 0;
  #noticeDropped = false;
  #unknown = 0;

  constructor(options: SessionPortOptions, handlers: SessionPortHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#notices = new NoticeBuffer(options.fresh);
    this.#data = new DataSocket({
      url: options.url,
      token: options.token,
      agents: options.agents,
      log: options.log,
      ...(options.backoff && { backoff: options.backoff }),
      ...(options.heartbeatMs && { heartbeatMs: options.heartbeatMs }),
      handlers: {
        open: () => {
          this.#state = 'open';
          handlers.open();
        },
        message: (text) => this.#receive(text),
        down: () => {
          this.#state = 'down';
          this.#notices.disconnected();
          handlers.down();
        },
        refused: (why) => handlers.refused(why),
        flushed: () => handlers.flushed(),
      },
    });
  }

  /** Bytes that wait to be sent. */
  get waiting(): number {
    return this.#data.waiting;
  }

  /** The session has stored every notice. */
  get noticesStored(): boolean {
    return this.#notices.empty;
  }

  /** Sends `hello`, once on each connection. */
  greet(taken: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'greeted';
    this.#reportedTaken = taken;
    const { onTunnel } = this.#options;
    const hello: WrapperFrame = {
      kind: 'hello',
      epoch: this.#options.epoch,
      taken,
      protocol: PROTOCOL,
      ...(onTunnel && { tunnel: true }),
    };
    this.#data.send(JSON.stringify(hello));
  }

  /** The session's `welcome` has come: from now on frames go out. */
  welcomed(): void {
    this.#state = 'live';
  }

  /** Sends a frame; without a welcomed connection it is dropped. */
  send(text: string): void {
    if (this.#state === 'live') this.#data.send(text);
  }

  /** Reports the last command taken, if the session does not know it. */
  reportTaken(taken: number): void {
    if (this.#state !== 'live' || taken === this.#reportedTaken) return;
    this.#reportedTaken = taken;
    this.send(JSON.stringify({ kind: 'taken', command: taken } satisfies WrapperFrame));
  }

  /** Sends the runner's own notices, on each connection until the session has stored them. */
  notify(notices: readonly RunnerNotice[]): void {
    for (const notice of notices) {
      if (this.#notices.push(notice) || this.#noticeDropped) continue;
      this.#noticeDropped = true;
      this.#options.log.warn('too many notices wait for the session: the next ones are dropped', {});
    }
    this.#sendNotices();
  }

  /** The session has stored the notices up to `stored`. False: that cannot be. */
  acknowledgeNotices(stored: number): boolean {
    if (!this.#notices.acknowledge(stored)) return false;
    this.#sendNotices();
    return true;
  }

  /** The session makes progress: after the next break, waits are short again. */
  resetBackoff(): void {
    this.#data.resetBackoff();
  }

  pause(): void {
    this.#data.pause();
  }

  resume(): void {
    this.#data.resume();
  }

  close(): void {
    this.#state = 'down';
    this.#data.close();
  }

  #receive(text: string): void {
    const received = parseFrame(text);
    if (received.is === 'unknown') {
      runnerMetrics.count('cc_docker_runner_unknown_frames_total', { from: 'session' });
      if (this.#unknown++ === 0)
        this.#options.log.warn('the edge is newer: what this runner does not know is passed over', {});
      return;
    }
    if (received.is === 'invalid') {
      this.#options.log.error('a frame of the session is not of the protocol', { bytes: text.length });
      this.#data.drop(CloseCode.badFrame, 'not of the protocol');
      return;
    }
    // It came before this connection's `hello`. In answer to that `hello` it comes again.
    if (this.#state === 'open') return;
    if (received.frame.kind === 'tunnel') this.#options.onTunnel?.();
    else this.#handlers.frame(received.frame, text);
  }

  #sendNotices(): void {
    if (this.#state !== 'live') return;
    for (let frame = this.#notices.take(); frame !== undefined; frame = this.#notices.take())
      this.send(JSON.stringify(frame));
  }
}

const readSessionFrame = frameReader(sessionFrame);

function parseFrame(text: string): Received<SessionFrame> {
  try {
    return readSessionFrame(JSON.parse(text));
  } catch {
    return { is: 'invalid' };
  }
}
