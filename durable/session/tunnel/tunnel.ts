import { CloseCode } from '../../../protocol/close-code.ts';
import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import type { StreamTarget } from '../../../protocol/link/tunnel/target.ts';
import { DialledTunnel } from './dialled-tunnel.ts';
import type { Exchange, OpenFrame, TunnelStream } from './exchange.ts';
import { HttpExchange, type PortRequest } from './http-exchange.ts';
import { RawExchange, type RawListener, type RawStream } from './raw-stream.ts';
import { BROKEN, type TunnelRefusal } from './refusal.ts';
import { WebSocketExchange, type PortHandshake } from './websocket-exchange.ts';

/** How long the runner has to dial, milliseconds. */
const DIAL_MS = 10_000;
/** A tunnel without streams is closed after this time, milliseconds: most pages come in bursts. */
const IDLE_MS = 30_000;

/** What the session knows of its container, and how it asks for a tunnel. */
export interface TunnelLink {
  /** The present one. */
  epoch(): number;
  /** Asks the runner to dial. */
  ask(): 'asked' | 'not_connected' | 'runner_outdated';
}

const REFUSALS = {
  not_connected: {
    refused: 'not_connected',
    detail: 'The session has no container at the moment that is connected.',
  },
  runner_outdated: {
    refused: 'runner_outdated',
    detail: 'The runner of this session is of an earlier version, which opens no ports: upgrade it.',
  },
} as const satisfies Record<string, TunnelRefusal>;

/** Streams that are open or being opened. */
export interface OpenCount {
  readonly all: number;
  /** WebSockets among them. */
  readonly sockets: number;
}

/** The session's end of the tunnel to its container. The runner dials it when it is needed. */
export class Tunnel {
  readonly #link: TunnelLink;
  #dialled: DialledTunnel | null = null;
  /** Those who wait for the runner to dial. */
  #waiting: (() => void)[] = [];
  readonly #opening = new Set<OpenFrame>();
  #idle: ReturnType<typeof setTimeout> | null = null;

  constructor(link: TunnelLink) {
    this.#link = link;
  }

  /** Sends a request to a server of the container. */
  async http(port: number, request: PortRequest): Promise<Response | TunnelRefusal> {
    const { method, path, headers, body } = request;
    const exchange = await this.#open(
      { kind: 'open_http', port, method, path, headers: endToEnd(headers), body: body !== null },
      (stream) => new HttpExchange(request, stream),
    );
    return 'refused' in exchange ? exchange : await exchange.answer;
  }

  /** Connects a client's WebSocket with a server of the container. */
  async webSocket(port: number, handshake: PortHandshake): Promise<Response | TunnelRefusal> {
    const { path, headers, protocols = [] } = handshake;
    const exchange = await this.#open(
      { kind: 'open_websocket', port, path, headers: endToEnd(headers), protocols: [...protocols] },
      (stream) => new WebSocketExchange(handshake, stream),
    );
    return 'refused' in exchange ? exchange : await exchange.answer;
  }

  /** Opens a stream of bytes. */
  async raw(target: StreamTarget, listener: RawListener): Promise<RawStream | TunnelRefusal> {
    const exchange = await this.#open({ kind: 'open_raw', target }, (stream) => new RawExchange(listener, stream));
    return 'refused' in exchange ? exchange : await exchange.answer;
  }

  /** Counts what is open or being opened. @param port absent: of all ports and terminals */
  open(port?: number): OpenCount {
    // Those that wait for the runner to dial are among them.
    const asked = [...this.#opening, ...(this.#dialled?.open ?? [])];
    const counted = port === undefined ? asked : asked.filter((open) => portOf(open) === port);
    return { all: counted.length, sockets: counted.filter(({ kind }) => kind === 'open_websocket').length };
  }

  /** Breaks off all that is open to this port. */
  end(port: number): void {
    this.#dialled?.end((open) => portOf(open) === port, 'This port is not shared any more.');
  }

  /** The runner dials: the tunnel, or a connection for one of its WebSockets. @param stream of which; null: the tunnel */
  async dial(epoch: number, stream: number | null): Promise<Response> {
    if (stream !== null) {
      const joined = this.#dialled?.epoch === epoch ? await this.#dialled.join(stream) : null;
      if (joined === null) return new Response(null, { status: 404 });
      return new Response(null, { status: 101, webSocket: joined });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.#accept(server, epoch);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** An earlier tunnel is over: the runner dials again only without one. */
  #accept(socket: WebSocket, epoch: number): void {
    socket.accept();
    if (epoch !== this.#link.epoch()) return socket.close(CloseCode.staleEpoch, 'this epoch is over');
    this.#dialled?.drop(CloseCode.replaced, 'another connection has taken this one’s place');
    const dialled: DialledTunnel = new DialledTunnel(socket, epoch, {
      idle: () => this.#rest(dialled),
      lost: () => {
        if (this.#dialled !== dialled) return;
        this.#dialled = null;
        this.#stayAwake();
      },
    });
    this.#dialled = dialled;
    this.#rest(dialled);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The link to the container is up again: the runner may not have heard that a tunnel is wanted. */
  linked(): void {
    if (this.#waiting.length > 0) this.#link.ask();
  }

  /** Ends everything: the session was deleted. */
  close(): void {
    this.#dialled?.drop(CloseCode.notFound, 'the session was deleted');
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #open<E extends Exchange>(open: OpenFrame, make: (stream: TunnelStream) => E): Promise<E | TunnelRefusal> {
    this.#opening.add(open);
    const dialled = await this.#dial();
    this.#opening.delete(open);
    if ('refused' in dialled) return dialled;
    this.#stayAwake();
    return dialled.begin(open, make);
  }

  /** The tunnel of the present epoch; asks for it when there is none. */
  async #dial(): Promise<DialledTunnel | TunnelRefusal> {
    if (this.#dialled?.epoch !== this.#link.epoch()) this.#dialled?.drop(CloseCode.staleEpoch, 'this epoch is over');
    if (this.#dialled !== null) return this.#dialled;
    // One question is enough for all who wait.
    const asked = this.#waiting.length > 0 ? 'asked' : this.#link.ask();
    if (asked !== 'asked') return REFUSALS[asked];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const late = setTimeout(resolve, DIAL_MS);
    await promise;
    clearTimeout(late);
    this.#waiting = this.#waiting.filter((wake) => wake !== resolve);
    return this.#dialled ?? { ...BROKEN, detail: `The session's runner did not come within ${DIAL_MS / 1000} s.` };
  }

  #rest(dialled: DialledTunnel): void {
    this.#stayAwake();
    this.#idle = setTimeout(() => dialled.drop(1000, 'no stream is open'), IDLE_MS);
  }

  #stayAwake(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
  }
}

const portOf = (open: OpenFrame): number | undefined => (open.kind === 'open_raw' ? undefined : open.port);
