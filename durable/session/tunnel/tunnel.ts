import { CloseCode } from '../../../protocol/close-code.ts';
import {
  runnerTunnelFrame,
  TUNNEL_BEAT_MS,
  TUNNEL_STREAMS,
  type EdgeTunnelFrame,
  type RunnerTunnelFrame,
} from '../../../protocol/link/tunnel/frames.ts';
import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import type { StreamTarget } from '../../../protocol/link/tunnel/target.ts';
import { decodeMessage, encodeMessage } from '../../../protocol/link/tunnel/message.ts';
import { StreamEnd } from '../../../protocol/link/tunnel/stream-end.ts';
import { frameReader } from '../../../protocol/link/tolerant-reader.ts';
import { count } from '../../rpc/telemetry/counts.ts';
import { parseJson } from '../../shared/json.ts';
import type { Exchange, OpenFrame, TunnelStream } from './exchange.ts';
import { HttpExchange, type PortRequest } from './http-exchange.ts';
import { RawExchange, type RawListener, type RawStream } from './raw-stream.ts';
import { BROKEN, type TunnelRefusal } from './refusal.ts';
import { WebSocketExchange, type PortHandshake } from './websocket-exchange.ts';

/** How long the runner has to dial, milliseconds. */
const DIAL_MS = 10_000;
/** A tunnel without streams is closed after this time, milliseconds: most pages come in bursts. */
const IDLE_MS = 30_000;
/** Without a sign of life for so long, milliseconds, the runner is taken for gone. */
const SILENCE_MS = 3 * TUNNEL_BEAT_MS + 2_000;

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

interface Open {
  /** As it was asked for. */
  readonly open: OpenFrame;
  readonly end: StreamEnd;
  readonly exchange: Exchange;
}

/** Streams that are open or being opened. */
export interface OpenCount {
  readonly all: number;
  /** WebSockets among them. */
  readonly sockets: number;
}

/** A tunnel that the runner has dialled, with its streams. */
interface Dialled {
  readonly socket: WebSocket;
  readonly epoch: number;
  readonly streams: Map<number, Open>;
  next: number;
  /** Epoch milliseconds. */
  heard: number;
}

/** The session's end of the tunnel to its container. The runner dials it when it is needed. */
export class Tunnel {
  readonly #link: TunnelLink;
  #dialled: Dialled | null = null;
  #waiting: (() => void)[] = [];
  /** What waits for the runner to dial. */
  readonly #opening = new Set<OpenFrame>();
  #idle: ReturnType<typeof setTimeout> | null = null;
  #watch: ReturnType<typeof setInterval> | null = null;

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
    const asked = [...this.#opening, ...[...(this.#dialled?.streams.values() ?? [])].map(({ open }) => open)];
    const counted = port === undefined ? asked : asked.filter((open) => portOf(open) === port);
    return { all: counted.length, sockets: counted.filter(({ kind }) => kind === 'open_websocket').length };
  }

  /** Breaks off all that is open to this port. */
  end(port: number): void {
    const dialled = this.#dialled;
    if (dialled === null) return;
    for (const [id, { open, exchange }] of dialled.streams) {
      if (portOf(open) !== port || !this.#forget(dialled, id)) continue;
      send(dialled, { kind: 'reset', stream: id });
      exchange.broken('This port is not shared any more.');
    }
  }

  /** The runner has dialled. An earlier tunnel is over: the runner dials again only without one. */
  accept(socket: WebSocket, epoch: number): void {
    socket.accept();
    if (epoch !== this.#link.epoch()) return socket.close(CloseCode.staleEpoch, 'this epoch is over');
    this.#drop(CloseCode.replaced, 'another connection has taken this one’s place');
    socket.binaryType = 'arraybuffer';
    const dialled: Dialled = { socket, epoch, streams: new Map(), next: 1, heard: Date.now() };
    this.#dialled = dialled;
    socket.addEventListener('message', ({ data }) => this.#receive(dialled, data as string | ArrayBuffer));
    socket.addEventListener('close', () => this.#lost(dialled));
    socket.addEventListener('error', () => this.#lost(dialled));
    this.#watch = setInterval(() => this.#look(dialled), TUNNEL_BEAT_MS);
    this.#rest(dialled);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The link to the container is up again: the runner may not have heard that a tunnel is wanted. */
  linked(): void {
    if (this.#waiting.length > 0) this.#link.ask();
  }

  /** Ends everything: the session was deleted. */
  close(): void {
    this.#drop(CloseCode.notFound, 'the session was deleted');
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #open<E extends Exchange>(open: OpenFrame, make: (stream: TunnelStream) => E): Promise<E | TunnelRefusal> {
    this.#opening.add(open);
    const dialled = await this.#dial();
    this.#opening.delete(open);
    if ('refused' in dialled) return dialled;
    if (dialled.streams.size >= TUNNEL_STREAMS) {
      const detail = `${TUNNEL_STREAMS} streams to this session's container are open already. Let some end.`;
      return { refused: 'too_many_streams', detail };
    }
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    const id = dialled.next;
    dialled.next += 1;
    const end = new StreamEnd({
      message: (part) => dialled.socket.send(encodeMessage({ stream: id, ...part })),
      credit: (bytes) => send(dialled, { kind: 'credit', stream: id, bytes }),
      end: (how) => send(dialled, { kind: 'end', stream: id, ...how }),
    });
    // First: the exchange may send at once.
    send(dialled, { ...open, stream: id });
    const exchange = make({
      end,
      reset: () => {
        if (!this.#forget(dialled, id)) return;
        send(dialled, { kind: 'reset', stream: id });
      },
      finish: () => void this.#forget(dialled, id),
    });
    dialled.streams.set(id, { open, end, exchange });
    return exchange;
  }

  /** The tunnel of the present epoch; asks for it when there is none. */
  async #dial(): Promise<Dialled | TunnelRefusal> {
    if (this.#dialled !== null && this.#dialled.epoch !== this.#link.epoch())
      this.#drop(CloseCode.staleEpoch, 'this epoch is over');
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

  #receive(dialled: Dialled, data: string | ArrayBuffer): void {
    if (this.#dialled !== dialled) return;
    dialled.heard = Date.now();
    if (typeof data !== 'string') return this.#receiveBytes(dialled, new Uint8Array(data));
    const received = readFrame(parseJson(data));
    if (received.is === 'invalid') return this.#drop(CloseCode.badFrame, 'not a frame of a tunnel');
    if (received.is === 'unknown') return count('cc_docker_unknown_frames_total', { from: 'runner' });
    const { frame } = received;
    if (frame.kind !== 'beat') this.#handle(dialled, frame);
  }

  #handle(dialled: Dialled, frame: Exclude<RunnerTunnelFrame, { kind: 'beat' }>): void {
    const open = dialled.streams.get(frame.stream);
    // It was reset meanwhile.
    if (open === undefined) return;
    switch (frame.kind) {
      case 'head':
        return open.exchange.head(frame);
      case 'opened':
        return open.exchange.opened();
      case 'credit':
        return open.end.credit(frame.bytes);
      case 'end':
        return open.exchange.end(frame);
      case 'refused':
        this.#forget(dialled, frame.stream);
        return open.exchange.denied({ refused: frame.code, detail: frame.detail });
      case 'reset':
        this.#forget(dialled, frame.stream);
        return open.exchange.broken(frame.detail ?? BROKEN.detail);
    }
  }

  #receiveBytes(dialled: Dialled, data: Uint8Array): void {
    const message = decodeMessage(data);
    if (message === null) return this.#drop(CloseCode.badFrame, 'not a message of a tunnel');
    const open = dialled.streams.get(message.stream);
    if (open === undefined) return;
    const cost = open.end.received(message.bytes.byteLength);
    if (cost === null) return this.#drop(CloseCode.badFrame, 'more than there was credit for');
    open.exchange.bytes(message, cost);
  }

  /** @returns whether it was open */
  #forget(dialled: Dialled, id: number): boolean {
    const open = dialled.streams.get(id);
    if (open === undefined) return false;
    dialled.streams.delete(id);
    open.end.close();
    if (dialled.streams.size === 0) this.#rest(dialled);
    return true;
  }

  #rest(dialled: Dialled): void {
    if (this.#dialled !== dialled) return;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#drop(1000, 'no stream is open'), IDLE_MS);
  }

  #look(dialled: Dialled): void {
    if (Date.now() - dialled.heard > SILENCE_MS) this.#drop(CloseCode.badFrame, 'nothing was heard of the runner');
  }

  #drop(code: number, reason: string): void {
    const dialled = this.#dialled;
    if (dialled === null) return;
    dialled.socket.close(code, reason);
    this.#lost(dialled);
  }

  #lost(dialled: Dialled): void {
    if (this.#dialled !== dialled) return;
    this.#dialled = null;
    if (this.#idle !== null) clearTimeout(this.#idle);
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#idle = null;
    this.#watch = null;
    for (const [id, { end, exchange }] of dialled.streams) {
      dialled.streams.delete(id);
      end.close();
      exchange.broken(BROKEN.detail);
    }
  }
}

function send({ socket }: Dialled, frame: EdgeTunnelFrame): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

const portOf = (open: OpenFrame): number | undefined => (open.kind === 'open_raw' ? undefined : open.port);

const readFrame = frameReader(runnerTunnelFrame);
