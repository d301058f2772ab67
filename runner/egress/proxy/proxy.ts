import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../../lib/log.ts';
import { listenOnUnixSocket } from '../../lib/streams/unix-socket.ts';
import { admit, type Admission, type UpstreamRoute } from './admission.ts';
import {
  answerRequest,
  answerSocket,
  busy,
  FAILED,
  HTTP_ONLY,
  NO_FRAME,
  NO_SERVER,
  noAnswer,
  unreachable,
  type Answer,
} from './answer.ts';
import type { Decision } from '../policy/decision.ts';
import { dialTarget, type Dialled } from './dial.ts';
import { Exchanges, type Exchange } from './exchanges.ts';
import { forward } from './forward.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import type { EgressTarget, Interceptor } from './interceptor.ts';
import { PlainDownload } from './plain-download.ts';
import type { EgressPolicy } from '../policy/policy.ts';
import { ownAddresses, Resolver, systemLookup, type Lookup } from '../policy/resolve.ts';
import { formatTarget, parseAbsoluteForm, parseTarget, type ParsedTarget } from '../policy/target.ts';
import { Downstream, tunnel } from './tunnel.ts';

export interface EgressProxyOptions {
  /** Created; a stale file there is replaced. */
  socketPath: string;
  policy: EgressPolicy;
  interceptor?: Interceptor;
  onDecision: (decision: Decision) => void;
  log: Log;
  /** The system's resolver unless given. */
  lookup?: Lookup;
  /** The proxies that the runner itself has to use. None unless given. */
  upstream?: UpstreamRoute;
  /** This machine's own addresses, as of now. */
  own?: () => ReadonlySet<string>;
  limits?: Partial<EgressLimits>;
}

interface EgressLimits {
  /** Tunnels and requests at once; beyond it: 503. */
  exchanges: number;
  /** For resolving, and again for connecting, milliseconds. */
  connectMs: number;
  /** Without a byte either way, milliseconds. */
  idleMs: number;
}

export interface EgressProxy {
  /** Breaks all connections; every decision has been reported when it resolves. */
  close(): Promise<void>;
}

const LIMITS: EgressLimits = { exchanges: 256, connectMs: 10_000, idleMs: 3_600_000 };
/** Between two requests on one connection, milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** Node's client sends a body of these methods without any framing when `Transfer-Encoding` has been taken off. */
const UNFRAMED = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * Opens a session's way out: an HTTP proxy (CONNECT, and absolute-form HTTP) on a unix socket.
 *
 * @throws when the socket cannot be created
 */
export async function openEgressProxy(options: EgressProxyOptions): Promise<EgressProxy> {
  const server = new EgressServer(options);
  const stopListening = await listenOnUnixSocket(server.http, options.socketPath);
  return {
    close: async () => {
      const stopped = stopListening();
      server.closeConnections();
      await Promise.all([stopped, server.exchanges.settled()]);
    },
  };
}

/** Node's HTTP server reads the requests. Each target is judged and dialled, at the addresses judged, before anything is answered. */
class EgressServer {
  readonly http = createServer();
  readonly #options: EgressProxyOptions;
  readonly #limits: EgressLimits;
  readonly #resolver: Resolver;
  readonly #connections = new Set<Socket>();
  readonly exchanges: Exchanges;

  constructor(options: EgressProxyOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.exchanges = new Exchanges(this.#limits.exchanges);
    this.#resolver = new Resolver(options.lookup ?? systemLookup, this.#limits.connectMs);
    this.http.maxConnections = 2 * this.#limits.exchanges;
    this.http.requestTimeout = 0;
    this.http.keepAliveTimeout = KEEP_ALIVE_MS;
    this.http.timeout = this.#limits.idleMs;
    this.http.on('connection', (socket) => this.#onConnection(socket));
    this.http.on('clientError', (error, socket) => this.#onClientError(error, socket));
    this.http.on('connect', (request, _, head) => void this.#onConnect(request, head));
    this.http.on('request', (request, response) => void this.#onRequest(request, response));
  }

  closeConnections(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    socket.on('timeout', () => socket.destroy());
    // What an error means is said by the `close` that follows it.
    socket.on('error', (error) => this.#options.log.debug('egress connection broke', { error }));
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    // In the middle of another answer a second one would be taken for its body.
    if (error.code === 'ECONNRESET' || this.exchanges.isServing(socket)) socket.destroy();
    else if (error.code === 'HPE_HEADER_OVERFLOW') {
      answerSocket(socket, { status: 431, text: 'cc-docker: the request has too long headers.\n' });
    } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      answerSocket(socket, { status: 408, text: 'cc-docker: the request did not come in time.\n' });
    } else {
      answerSocket(socket, { status: 400, text: 'cc-docker: this is no well-formed HTTP request.\n' });
    }
  }

  async #onConnect(request: IncomingMessage, head: Buffer): Promise<void> {
    const { socket } = request;
    const exchange = this.exchanges.begin(socket);
    socket.once('close', exchange.end);
    try {
      await this.exchanges.untilDone(this.#connect(request, head, exchange));
    } catch (error) {
      this.#options.log.error('egress proxy failed', { error });
      answerSocket(socket, FAILED);
    }
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const exchange = this.exchanges.begin(socket);
    // A response that waits for an earlier one on its connection does not hear of that connection's end.
    socket.once('close', exchange.end);
    response.once('close', exchange.end);
    exchange.signal.addEventListener('abort', () => socket.off('close', exchange.end));
    try {
      await this.exchanges.untilDone(this.#request(request, response, exchange));
    } catch (error) {
      this.#options.log.error('egress proxy failed', { error });
      if (response.headersSent) response.destroy();
      else answerRequest(response, FAILED);
    }
  }

  async #connect(request: IncomingMessage, head: Buffer, exchange: Exchange): Promise<void> {
    const { socket } = request;
    if (exchange.excess) return answerSocket(socket, busy(this.#limits.exchanges));
    const written = request.url ?? '';
    const admitted = await this.#admit('https', written, parseTarget(written), exchange);
    if (admitted.kind === 'answer') return answerSocket(socket, admitted.answer);
    const { target, rule } = admitted;
    const { interceptor } = this.#options;
    if (interceptor?.intercepts(target.host, target.port) === true) {
      const report = this.#opened(target, rule);
      if (exchange.signal.aborted) return report(0, 0);
      const readBefore = socket.bytesRead - head.length;
      this.#established(socket, head);
      // The 200 is not the target's.
      const writtenBefore = socket.bytesWritten;
      interceptor.serve(socket, target);
      await once(exchange.signal, 'abort');
      return report(socket.bytesRead - readBefore, socket.bytesWritten - writtenBefore);
    }
    const downstream = new Downstream();
    const dialled = await this.#dial(target, rule, exchange, { onread: downstream.onread, allowHalfOpen: true });
    if (!dialled.ok) return answerSocket(socket, dialled.answer);
    if (exchange.signal.aborted) return;
    this.#established(socket, head);
    tunnel(socket, dialled.socket, downstream);
  }

  /** @param head what the client has sent already, behind its request */
  #established(socket: Socket, head: Buffer): void {
    socket.setTimeout(this.#limits.idleMs);
    socket.unshift(head);
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  }

  async #request(request: IncomingMessage, response: ServerResponse, exchange: Exchange): Promise<void> {
    const answer = (own: Answer): void => {
      // What the client goes on sending is not read, so its connection is of no further use.
      if (!request.complete) response.setHeader('connection', 'close');
      answerRequest(response, own);
    };
    if (exchange.excess) return answer(busy(this.#limits.exchanges));
    const written = request.url ?? '';
    if (!/^[a-z][a-z0-9+.-]*:/i.test(written)) return answer(NO_SERVER);
    if (!/^http:/i.test(written)) return answer(HTTP_ONLY);
    if (request.headers['transfer-encoding'] !== undefined && UNFRAMED.has(request.method ?? '')) {
      return answer(NO_FRAME);
    }
    const parsed = parseAbsoluteForm(written);
    const admitted = await this.#admit('http', written, parsed, exchange);
    if (admitted.kind === 'answer') return answer(admitted.answer);
    const { target, rule } = admitted;
    const download = new PlainDownload();
    const dialled = await this.#dial(target, rule, exchange, { onread: download.onread });
    if (!dialled.ok) return answer(dialled.answer);
    if (exchange.signal.aborted) return;
    download.start(dialled.socket, request, response);
    const headers = forwardedHeaders(request.rawHeaders, target);
    // Node reads nothing after a request that asks to be upgraded, also where nobody upgrades it.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    forward(request, response, {
      url: new URL(`http://${formatTarget(target)}${parsed.ok ? parsed.path : '/'}`),
      headers: this.#options.interceptor?.rewrite?.(headers, target) ?? headers,
      socket: dialled.socket,
      ...(target.through?.absolute === true && { proxy: target.through.proxy }),
      failed: (why) => answer(noAnswer(target, why)),
    });
  }

  async #admit(
    scheme: 'http' | 'https',
    written: string,
    parsed: ParsedTarget,
    { signal }: Exchange,
  ): Promise<Extract<Admission, { kind: 'admitted' }> | { kind: 'answer'; answer: Answer }> {
    const { policy, own = ownAddresses, upstream, onDecision, log } = this.#options;
    const admission = await admit(written, parsed, { policy, resolver: this.#resolver, own, scheme, upstream, signal });
    if (admission.kind === 'admitted') return admission;
    const { host, port, why } = admission;
    if (admission.kind === 'unresolved') {
      this.#opened(admission, admission.rule)(0, 0);
      return { kind: 'answer', answer: unreachable(admission, why) };
    }
    log.debug('egress refused', { host, port, why });
    onDecision({ host, port, verdict: 'refused', rule: why, bytesSent: 0, bytesReceived: 0, phase: 'opened' });
    return { kind: 'answer', answer: { status: port === 0 ? 400 : 403, text: admission.text } };
  }

  /** Says that a connection is allowed. @returns to be called when it has ended */
  #opened({ host, port }: { host: string; port: number }, rule: string): (sent: number, received: number) => void {
    const { onDecision } = this.#options;
    const decision = { host, port, verdict: 'allowed', rule } as const;
    onDecision({ ...decision, bytesSent: 0, bytesReceived: 0, phase: 'opened' });
    return (bytesSent, bytesReceived) => onDecision({ ...decision, bytesSent, bytesReceived, phase: 'closed' });
  }

  /** The connection to a target that was admitted; it does not outlive its client. */
  async #dial(
    target: EgressTarget,
    rule: string,
    { signal }: Exchange,
    options: { onread: OnReadOpts; allowHalfOpen?: boolean },
  ): Promise<Extract<Dialled, { ok: true }> | { ok: false; answer: Answer }> {
    const report = this.#opened(target, rule);
    const timeoutMs = this.#limits.connectMs;
    const dialled = await dialTarget(target, { timeoutMs, signal, ...options });
    if (!dialled.ok) {
      report(0, 0);
      return { ok: false, answer: unreachable(target, dialled.why) };
    }
    const { socket } = dialled;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    void this.exchanges.untilDone(closed.then(() => report(socket.bytesWritten, socket.bytesRead)));
    const release = (): void => {
      // Both have ended it in order: its last bytes may go out.
      if (socket.writableEnded) return;
      // A reset, so that a cut upload is not taken for a whole one; a plain request says itself how long it is.
      if (options.allowHalfOpen === true) socket.resetAndDestroy();
      else socket.destroy();
    };
    if (signal.aborted) release();
    else signal.addEventListener('abort', release);
    return dialled;
  }
}
