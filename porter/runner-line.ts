import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import tls from 'node:tls';
import { ARRIVAL_PATH, DOOR_NAME, type PorterArrival } from '../protocol/link/porter.ts';
import { VERSION } from '../protocol/version.ts';
import { backoffMs } from '../runner/lib/backoff.ts';
import { keepAlive } from '../runner/lib/streams/keep-alive.ts';
import type { Log } from '../runner/lib/log.ts';

/** A session is given up by its runner after ten seconds of silence: the porter is back before that. */
const BACKOFF = { minMs: 100, maxMs: 2_000 };
/** From a dial until the runner has taken the porter, milliseconds. */
const ARRIVE_MS = 5_000;
/** Bytes that may be on their way in one stream, and in all. */
const STREAM_WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 16 * STREAM_WINDOW;
/** Limit of what HTTP/2 keeps of the connection, megabytes. */
const SESSION_MB = 32;

export interface RunnerLineOptions {
  runner: { host: string; port: number };
  ca: string;
  token: string;
  log: Log;
  /** The runner has taken this porter, for the first time or again. */
  onWelcome?: (line: RunnerLine) => void;
}

/** The one connection to the runner. It dials again after each break, for as long as it takes. */
export class RunnerLine {
  /** Resolves when the runner has taken this porter for the first time. */
  readonly arrived: Promise<void>;
  readonly #options: RunnerLineOptions;
  /** By it the runner knows this porter again. It is nowhere but here. */
  readonly #sessionKey = randomBytes(32).toString('base64url');
  readonly #onArrived: () => void;
  #session: ClientHttp2Session | undefined;
  #dialling: ClientHttp2Session | undefined;
  #failures = 0;
  #redial: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RunnerLineOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.arrived = promise;
    this.#onArrived = resolve;
    this.#dial();
  }

  /** How many streams the runner takes at a time; 0: there is no connection at the moment. */
  get streams(): number {
    return this.#session?.remoteSettings?.maxConcurrentStreams ?? 0;
  }

  /** Opens a stream to what the runner has under this path; undefined: there is no connection at the moment. */
  stream(path: string, headers: Readonly<Record<string, string>> = {}): ClientHttp2Stream | undefined {
    // One that broke just now is destroyed and not closed: a request would throw.
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) return undefined;
    return this.#session.request({ ...headers, ':method': 'POST', ':path': path }, { endStream: false });
  }

  /** Ends the connection, once its streams have ended. Resolves when all that it carried is on its way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#redial);
    this.#dialling?.destroy();
    const session = this.#session;
    if (session === undefined) return;
    const closed = once(session, 'close');
    session.close();
    await closed;
  }

  #dial(): void {
    const { runner, ca } = this.#options;
    const socket = tls.connect({
      ...runner,
      ca,
      servername: DOOR_NAME,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
    });
    socket.setNoDelay(true);
    const session = http2.connect(`https://${DOOR_NAME}`, {
      createConnection: () => socket,
      maxSessionMemory: SESSION_MB,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
    });
    this.#dialling = session;
    let problem = 'the runner closed the connection';
    session.on('error', (error) => (problem = error.message));
    const late = setTimeout(() => {
      problem = `the runner has not answered within ${ARRIVE_MS} ms`;
      session.destroy();
    }, ARRIVE_MS);
    let pings: NodeJS.Timeout | undefined;
    session.once('close', () => {
      clearTimeout(late);
      clearInterval(pings);
      socket.destroy();
      this.#lost(session, problem);
    });
    this.#arrive(session, () => {
      clearTimeout(late);
      session.setLocalWindowSize(CONNECTION_WINDOW);
      pings = keepAlive(session, () => session.destroy());
    });
  }

  #arrive(session: ClientHttp2Session, onWelcome: () => void): void {
    const request = session.request({ ':method': 'POST', ':path': ARRIVAL_PATH }, { endStream: false });
    request.on('error', () => {});
    request.on('response', (headers) => {
      if (headers[':status'] !== 200) return session.destroy();
      onWelcome();
      this.#options.log.info('the runner has taken this porter', { dials: this.#failures + 1 });
      this.#dialling = undefined;
      this.#failures = 0;
      this.#session = session;
      this.#onArrived();
      this.#options.onWelcome?.(this);
    });
    request.resume();
    const { token } = this.#options;
    const arrival: PorterArrival = { token, session_key: this.#sessionKey, version: VERSION };
    request.end(JSON.stringify(arrival));
  }

  #lost(session: ClientHttp2Session, problem: string): void {
    if (this.#session === session) this.#session = undefined;
    if (this.#dialling === session) this.#dialling = undefined;
    if (this.#closed) return;
    const waitMs = backoffMs(this.#failures, BACKOFF, Math.random());
    if (this.#failures === 0) this.#options.log.warn('no connection to the runner', { problem });
    this.#failures += 1;
    this.#redial = setTimeout(() => this.#dial(), waitMs);
  }
}
