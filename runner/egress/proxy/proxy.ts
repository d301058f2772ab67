// Longer than 300 lines: one class, because it overrides the methods of one base class.
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { OnReadOpts, Socket } from 'node:net';
import { Server } from 'proxy-chain';
import type { Log } from '../../lib/log.ts';
import { listenOnUnixSocket } from '../../lib/unix-socket.ts';
import { admit, type Admission } from './admission.ts';
import { answerRequest, answerSocket, type Answer } from './answer.ts';
import type { Decision } from '../policy/decision.ts';
import { dialPinned, type Dialled } from './dial.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import type { EgressTarget, Interceptor } from './interceptor.ts';
import { PlainDownload } from './plain-download.ts';
import type { EgressPolicy } from '../policy/policy.ts';
import { ownAddresses, Resolver, systemLookup, type Lookup } from '../policy/resolve.ts';
import { formatTarget, parseAbsoluteForm, parseTarget, type ParsedTarget } from '../policy/target.ts';
import { Downstream, tunnel } from './tunnel.ts';

export interface EgressProxyOptions {
  /** The socket to create. A stale file at this path is replaced. */
  socketPath: string;
  policy: EgressPolicy;
  interceptor?: Interceptor;
  onDecision: (decision: Decision) => void;
  log: Log;
  /** Default: the system's resolver. */
  lookup?: Lookup;
  /** Returns this machine's current addresses. */
  own?: () => ReadonlySet<string>;
  limits?: Partial<EgressLimits>;
}

interface EgressLimits {
  /** Most concurrent tunnels and requests. Further ones get a 503. */
  exchanges: number;
  /** Limit for resolving, and again for connecting, milliseconds. */
  connectMs: number;
  /** Longest time without a byte in either direction, milliseconds. */
  idleMs: number;
}

export interface EgressProxy {
  /** Breaks all connections. Resolves when every decision has been reported. */
  close(): Promise<void>;
}

const LIMITS: EgressLimits = { exchanges: 256, connectMs: 10_000, idleMs: 3_600_000 };
/** Longest time between two requests on one connection, milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** For these methods, Node writes the body without framing once proxy-chain has removed `Transfer-Encoding`. */
const UNFRAMED = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** One tunnel or request. It lasts until its connection or its response ends. */
interface Exchange {
  /** It exceeds the limit. */
  excess: boolean;
  /** Aborted when it ends. */
  signal: AbortSignal;
  end: () => void;
}

type ProxySocket = Parameters<Server['onConnection']>[0];

/**
 * Opens a session's egress proxy: HTTP (CONNECT, and absolute-form HTTP) on a unix socket.
 *
 * @throws when the socket cannot be created
 */
export async function openEgressProxy(options: EgressProxyOptions): Promise<EgressProxy> {
  const server = new EgressServer(options);
  const stopListening = await listenOnUnixSocket(server.server, options.socketPath);
  return {
    close: async () => {
      const stopped = stopListening();
      server.closeConnections();
      await Promise.all([stopped, server.settled()]);
    },
  };
}

/**
 * proxy-chain reads requests, answers CONNECT and forwards plain HTTP. This class corrects what does not fit:
 * - It drops connections without a remote address, and a unix socket has none. See `onConnection`.
 * - It parses targets with the URL parser, which accepts `0x7f.1` as an address. Here they are parsed strictly, and
 *   proxy-chain gets the result.
 * - It dials late, and answers a failed CONNECT by hanging up. Here the connection is made first and then handed over
 *   (`customConnectServer`, `httpAgent`). That also pins it to the addresses that were judged.
 * - It forwards `Host` as the client wrote it, and some bodies without framing (see `UNFRAMED`).
 */
class EgressServer extends Server {
  readonly #options: EgressProxyOptions;
  readonly #limits: EgressLimits;
  readonly #resolver: Resolver;
  /** The agent with which proxy-chain forwards an admitted request. */
  readonly #agents = new WeakMap<IncomingMessage, Agent>();
  readonly #tunnels = new WeakMap<Socket, () => void>();
  readonly #tunnelServer = createServer();
  /** Number of requests in progress, by connection. */
  readonly #serving = new Map<Socket, number>();
  /** Work in progress. Each ends at the latest with its connection. */
  readonly #open = new Set<Promise<void>>();
  #exchanges = 0;

  constructor(options: EgressProxyOptions) {
    super({
      authRealm: 'cc-docker',
      prepareRequestFunction: ({ request, isHttp }) => {
        if (!isHttp) return { customConnectServer: this.#tunnelServer };
        const httpAgent = this.#agents.get(request);
        if (httpAgent === undefined) throw new Error('a request came by the policy');
        return { httpAgent };
      },
    });
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#resolver = new Resolver(options.lookup ?? systemLookup, this.#limits.connectMs);
    // Not a real HTTP server: proxy-chain hands over a tunnel's socket by its `connection` event.
    this.#tunnelServer.removeAllListeners('connection');
    this.#tunnelServer.on('connection', (socket: Socket) => this.#tunnels.get(socket)?.());
    this.server.maxConnections = 2 * this.#limits.exchanges;
    this.server.requestTimeout = 0;
    this.server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.server.timeout = this.#limits.idleMs;
    this.on('requestFailed', ({ error }: { error: unknown }) => options.log.error('egress proxy failed', { error }));
  }

  /** Resolves when everything has ended and been reported. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
  }

  override onConnection(socket: ProxySocket): void {
    this.registerConnection(socket);
    // The `close` event that follows does the rest.
    socket.on('error', (error) => this.#options.log.debug('egress connection broke', { error }));
  }

  override onClientError(error: NodeJS.ErrnoException, socket: ProxySocket): void {
    // During another response, the client would take a second one for its body.
    if (error.code === 'ECONNRESET' || this.#serving.has(socket)) socket.destroy();
    else if (error.code === 'HPE_HEADER_OVERFLOW') {
      answerSocket(socket, { status: 431, text: 'cc-docker: the request has too long headers.\n' });
    } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      answerSocket(socket, { status: 408, text: 'cc-docker: the request did not come in time.\n' });
    } else {
      answerSocket(socket, { status: 400, text: 'cc-docker: this is no well-formed HTTP request.\n' });
    }
  }

  override sendSocketResponse(socket: ProxySocket, status = 500, _headers: object = {}, message = ''): void {
    answerSocket(socket, { status, text: `cc-docker: ${message}\n` });
  }

  override async onConnect(request: IncomingMessage, socket: ProxySocket, head: Buffer): Promise<void> {
    const exchange = this.#enter(socket);
    socket.once('close', exchange.end);
    try {
      await this.#untilDone(this.#connect(request, socket, head, exchange));
    } catch (error) {
      this.#options.log.error('egress proxy failed', { error });
      answerSocket(socket, FAILED);
    }
  }

  override async onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const exchange = this.#enter(socket);
    // A response that waits for an earlier one on the same connection gets no `close` when that connection ends.
    socket.once('close', exchange.end);
    response.once('close', exchange.end);
    exchange.signal.addEventListener('abort', () => socket.off('close', exchange.end));
    try {
      await this.#untilDone(this.#request(request, response, exchange));
    } catch (error) {
      this.#options.log.error('egress proxy failed', { error });
      if (response.headersSent) response.destroy();
      else answerRequest(response, FAILED);
    }
  }

  async #connect(request: IncomingMessage, socket: ProxySocket, head: Buffer, exchange: Exchange): Promise<void> {
    if (exchange.excess) return answerSocket(socket, busy(this.#limits));
    const written = request.url ?? '';
    const admitted = await this.#admit(written, parseTarget(written), exchange);
    if (admitted.kind === 'answer') return answerSocket(socket, admitted.answer);
    const { target, rule } = admitted;
    const { interceptor } = this.#options;
    if (interceptor?.intercepts(target.host, target.port) === true) {
      this.#intercept(
        interceptor,
        socket,
        socket.bytesRead - head.length,
        target,
        this.#opened(target, rule),
        exchange,
      );
    } else {
      const downstream = new Downstream();
      const dialled = await this.#dial(target, rule, exchange, { onread: downstream.onread, allowHalfOpen: true });
      if (!dialled.ok) return answerSocket(socket, dialled.answer);
      this.#tunnels.set(socket, () => tunnel(socket, dialled.socket, downstream));
    }
    if (socket.destroyed) return;
    socket.setTimeout(this.#limits.idleMs);
    request.url = formatTarget(target);
    // This proxy needs no authentication, and proxy-chain would refuse some values of this header.
    delete request.headers['proxy-authorization'];
    await super.onConnect(request, socket, head);
  }

  #intercept(
    interceptor: Interceptor,
    socket: Socket,
    readBefore: number,
    target: EgressTarget,
    report: (sent: number, received: number) => void,
    { signal }: Exchange,
  ): void {
    if (signal.aborted) return report(0, 0);
    let writtenBefore = socket.bytesWritten;
    signal.addEventListener('abort', () => {
      report(socket.bytesRead - readBefore, socket.bytesWritten - writtenBefore);
    });
    this.#tunnels.set(socket, () => {
      // Do not count the 200, which does not come from the target.
      writtenBefore = socket.bytesWritten;
      interceptor.serve(socket, target);
    });
  }

  async #request(request: IncomingMessage, response: ServerResponse, exchange: Exchange): Promise<void> {
    const answer = (own: Answer): void => {
      // The rest of the request is not read, so the connection cannot be used again.
      if (!request.complete) response.setHeader('connection', 'close');
      answerRequest(response, own);
    };
    if (exchange.excess) return answer(busy(this.#limits));
    const written = request.url ?? '';
    if (!/^[a-z][a-z0-9+.-]*:/i.test(written)) return answer(NO_SERVER);
    if (!/^http:/i.test(written)) return answer(HTTP_ONLY);
    if (request.headers['transfer-encoding'] !== undefined && UNFRAMED.has(request.method ?? '')) {
      return answer(NO_FRAME);
    }
    const parsed = parseAbsoluteForm(written);
    const admitted = await this.#admit(written, parsed, exchange);
    if (admitted.kind === 'answer') return answer(admitted.answer);
    const { target, rule } = admitted;
    const download = new PlainDownload();
    const dialled = await this.#dial(target, rule, exchange, { onread: download.onread });
    if (!dialled.ok) return answer(dialled.answer);
    if (exchange.signal.aborted) return;
    download.start(dialled.socket, request, response);
    const headers = forwardedHeaders(request.rawHeaders, target);
    request.url = `http://${formatTarget(target)}${parsed.ok ? parsed.path : '/'}`;
    request.rawHeaders = this.#options.interceptor?.rewrite?.(headers, target) ?? headers;
    delete request.headers['proxy-authorization'];
    // After a request with `Upgrade`, Node reads nothing more from the connection, even if it is not upgraded.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    this.#agents.set(request, new PinnedAgent(dialled.socket));
    await super.onRequest(request, response);
  }

  #enter(socket: Socket): Exchange {
    const aborter = new AbortController();
    this.#exchanges++;
    this.#serving.set(socket, (this.#serving.get(socket) ?? 0) + 1);
    const end = (): void => {
      if (aborter.signal.aborted) return;
      this.#exchanges--;
      const others = (this.#serving.get(socket) ?? 1) - 1;
      if (others > 0) this.#serving.set(socket, others);
      else this.#serving.delete(socket);
      aborter.abort();
    };
    return { excess: this.#exchanges > this.#limits.exchanges, signal: aborter.signal, end };
  }

  async #untilDone(work: Promise<void>): Promise<void> {
    this.#open.add(work);
    try {
      await work;
    } finally {
      this.#open.delete(work);
    }
  }

  async #admit(
    written: string,
    parsed: ParsedTarget,
    { signal }: Exchange,
  ): Promise<Extract<Admission, { kind: 'admitted' }> | { kind: 'answer'; answer: Answer }> {
    const { policy, own = ownAddresses, onDecision, log } = this.#options;
    const admission = await admit(written, parsed, { policy, resolver: this.#resolver, own, signal });
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

  /** Reports an allowed connection. @returns a function to call when it has ended */
  #opened({ host, port }: { host: string; port: number }, rule: string): (sent: number, received: number) => void {
    const { onDecision } = this.#options;
    const decision = { host, port, verdict: 'allowed', rule } as const;
    onDecision({ ...decision, bytesSent: 0, bytesReceived: 0, phase: 'opened' });
    return (bytesSent, bytesReceived) => onDecision({ ...decision, bytesSent, bytesReceived, phase: 'closed' });
  }

  /** Connects to an admitted target. The connection ends with its client's. */
  async #dial(
    target: EgressTarget,
    rule: string,
    { signal }: Exchange,
    options: { onread: OnReadOpts; allowHalfOpen?: boolean },
  ): Promise<Extract<Dialled, { ok: true }> | { ok: false; answer: Answer }> {
    const report = this.#opened(target, rule);
    const timeoutMs = this.#limits.connectMs;
    const dialled = await dialPinned(target.addresses, target.port, { timeoutMs, signal, ...options });
    if (!dialled.ok) {
      report(0, 0);
      return { ok: false, answer: unreachable(target, dialled.why) };
    }
    const { socket } = dialled;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    void this.#untilDone(closed.then(() => report(socket.bytesWritten, socket.bytesRead)));
    const release = (): void => {
      // Both sides have ended normally: let the last bytes go out.
      if (socket.writableEnded) return;
      // Reset a tunnel, so that the target does not take a cut upload for a whole one. A plain request states its length.
      if (options.allowHalfOpen === true) socket.resetAndDestroy();
      else socket.destroy();
    };
    if (signal.aborted) release();
    else signal.addEventListener('abort', release);
    return dialled;
  }
}

/** An agent for one request, with a connection that is already made. */
class PinnedAgent extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ keepAlive: false });
    this.#socket = socket;
  }

  override createConnection(): Socket {
    return this.#socket;
  }
}

const NO_SERVER: Answer = {
  status: 400,
  text: 'cc-docker: this is the proxy of this session, not a server. Send CONNECT host:port or GET http://host/path, or set HTTPS_PROXY and HTTP_PROXY.\n',
};
const HTTP_ONLY: Answer = {
  status: 400,
  text: 'cc-docker: only http:// URLs are fetched by this proxy. For anything else use CONNECT host:port.\n',
};
const FAILED: Answer = { status: 500, text: 'cc-docker: the proxy failed; the log of the runner says why.\n' };
const NO_FRAME: Answer = {
  status: 411,
  text: 'cc-docker: a body with this method needs a Content-Length.\n',
};

function busy({ exchanges }: EgressLimits): Answer {
  return {
    status: 503,
    text: `cc-docker: this session has ${exchanges} connections open, which is the limit. Close some and try again.\n`,
  };
}

function unreachable(target: { host: string; port: number }, why: string): Answer {
  const where = formatTarget(target);
  return { status: 502, text: `cc-docker: ${where} is allowed, but it cannot be reached: ${why}.\n` };
}
