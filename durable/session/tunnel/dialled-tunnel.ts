import { CloseCode } from '../../../protocol/close-code.ts';
import {
  runnerTunnelFrame,
  TUNNEL_BEAT_MS,
  TUNNEL_STREAMS,
  type EdgeTunnelFrame,
  type RunnerTunnelFrame,
} from '../../../protocol/link/tunnel/frames.ts';
import { decodeMessage, encodeMessage } from '../../../protocol/link/tunnel/message.ts';
import { StreamEnd } from '../../../protocol/link/tunnel/stream-end.ts';
import { frameReader } from '../../../protocol/link/tolerant-reader.ts';
import { count } from '../../rpc/telemetry/counts.ts';
import { parseJson } from '../../shared/json.ts';
import type { Exchange, OpenFrame, TunnelStream } from './exchange.ts';
import { BROKEN, type TunnelRefusal } from './refusal.ts';
import { WebSocketExchange } from './websocket-exchange.ts';

/** Without a sign of life for so long, milliseconds, the runner is taken for gone. */
const SILENCE_MS = 3 * TUNNEL_BEAT_MS + 2_000;
/**
 * An answer that has been silent for so long, milliseconds, gives way when all streams are taken. A client that went away is
 * noticed only when something is sent to it, so it may be one that nobody reads.
 */
const STALE_MS = 60_000;

interface Open {
  /** As it was asked for. */
  readonly open: OpenFrame;
  readonly end: StreamEnd;
  readonly exchange: Exchange;
  /** When something last came of it, epoch milliseconds. */
  heard: number;
}

/** What happens to a tunnel. */
export interface TunnelEvents {
  /** The last stream is over. */
  idle(): void;
  /** The connection is gone, and with it all streams. */
  lost(): void;
}

/** A tunnel that the runner has dialled, with its streams. */
export class DialledTunnel {
  readonly epoch: number;
  readonly #socket: WebSocket;
  readonly #events: TunnelEvents;
  readonly #streams = new Map<number, Open>();
  readonly #watch: ReturnType<typeof setInterval>;
  #next = 1;
  /** Epoch milliseconds. */
  #heard = Date.now();
  #isLost = false;

  constructor(socket: WebSocket, epoch: number, events: TunnelEvents) {
    this.epoch = epoch;
    this.#socket = socket;
    this.#events = events;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.#receive(data as string | ArrayBuffer));
    socket.addEventListener('close', () => this.#lost());
    socket.addEventListener('error', () => this.#lost());
    this.#watch = setInterval(() => {
      if (Date.now() - this.#heard > SILENCE_MS) this.drop(CloseCode.badFrame, 'nothing was heard of the runner');
    }, TUNNEL_BEAT_MS);
  }

  /** How the streams that are open were asked for. */
  get open(): readonly OpenFrame[] {
    return [...this.#streams.values()].map(({ open }) => open);
  }

  /** Opens a stream. */
  begin<E extends Exchange>(open: OpenFrame, make: (stream: TunnelStream) => E): E | TunnelRefusal {
    if (this.#streams.size >= TUNNEL_STREAMS && !this.#makeRoom()) {
      count('cc_docker_tunnel_refusals_total', { code: 'too_many_streams' });
      const detail = `${TUNNEL_STREAMS} streams to this session's container are open already. Let some end.`;
      return { refused: 'too_many_streams', detail };
    }
    const id = this.#next;
    this.#next += 1;
    const end = new StreamEnd({
      message: (part) => {
        count('cc_docker_tunnel_bytes_total', { direction: 'in' }, part.bytes.byteLength);
        this.#socket.send(encodeMessage({ stream: id, ...part }));
      },
      credit: (bytes) => this.#send({ kind: 'credit', stream: id, bytes }),
      end: (how) => this.#send({ kind: 'end', stream: id, ...how }),
    });
    // First: the exchange may send at once.
    this.#send({ ...open, stream: id });
    const exchange = make({ end, reset: () => this.#reset(id), finish: () => void this.#forget(id) });
    this.#streams.set(id, { open, end, exchange, heard: Date.now() });
    count('cc_docker_tunnel_streams_total', { kind: KINDS[open.kind] });
    return exchange;
  }

  /** The runner has dialled for a WebSocket. @returns its end; null: there is no such stream */
  async join(id: number): Promise<WebSocket | null> {
    const { exchange } = this.#streams.get(id) ?? {};
    return exchange instanceof WebSocketExchange ? await exchange.join() : null;
  }

  /** Breaks off the streams that were asked for in such a way. */
  end(isMeant: (open: OpenFrame) => boolean, detail: string): void {
    for (const [id, { open, exchange }] of this.#streams) {
      if (!isMeant(open)) continue;
      this.#reset(id);
      exchange.broken(detail);
    }
  }

  /** Closes the connection. */
  drop(code: number, reason: string): void {
    if (this.#isLost) return;
    this.#socket.close(code, reason);
    this.#lost();
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#isLost) return;
    this.#heard = Date.now();
    if (typeof data !== 'string') return this.#receiveBytes(new Uint8Array(data));
    const received = readFrame(parseJson(data));
    if (received.is === 'invalid') return this.drop(CloseCode.badFrame, 'not a frame of a tunnel');
    if (received.is === 'unknown') return count('cc_docker_unknown_frames_total', { from: 'runner' });
    const { frame } = received;
    if (frame.kind !== 'beat') this.#handle(frame);
  }

  #handle(frame: Exclude<RunnerTunnelFrame, { kind: 'beat' }>): void {
    const open = this.#streams.get(frame.stream);
    // It was reset meanwhile.
    if (open === undefined) return;
    open.heard = this.#heard;
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
        this.#forget(frame.stream);
        count('cc_docker_tunnel_refusals_total', { code: REFUSALS.has(frame.code) ? frame.code : 'other' });
        return open.exchange.denied({ refused: frame.code, detail: frame.detail });
      case 'reset':
        this.#forget(frame.stream);
        return open.exchange.broken(frame.detail ?? BROKEN.detail);
    }
  }

  #receiveBytes(data: Uint8Array): void {
    const message = decodeMessage(data);
    if (message === null) return this.drop(CloseCode.badFrame, 'not a message of a tunnel');
    const open = this.#streams.get(message.stream);
    if (open === undefined) return;
    open.heard = this.#heard;
    const bytes = message.bytes.byteLength;
    const cost = open.end.received(bytes);
    if (cost === null) return this.drop(CloseCode.badFrame, 'more than there was credit for');
    count('cc_docker_tunnel_bytes_total', { direction: 'out' }, bytes);
    open.exchange.bytes(message, cost);
  }

  /** Ends the request that has been silent for longest, if that is long. */
  #makeRoom(): boolean {
    let stalest: { readonly id: number; readonly heard: number } | null = null;
    for (const [id, { open, heard }] of this.#streams)
      if (open.kind === 'open_http' && (stalest === null || heard < stalest.heard)) stalest = { id, heard };
    if (stalest === null || Date.now() - stalest.heard < STALE_MS) return false;
    const { id } = stalest;
    const { exchange } = this.#streams.get(id) ?? {};
    this.#reset(id);
    exchange?.broken('It had been silent for long, and its place was needed.');
    return true;
  }

  #send(frame: EdgeTunnelFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #reset(id: number): void {
    if (this.#forget(id)) this.#send({ kind: 'reset', stream: id });
  }

  /** @returns whether it was open */
  #forget(id: number): boolean {
    const open = this.#streams.get(id);
    if (open === undefined) return false;
    this.#streams.delete(id);
    open.end.close();
    if (this.#streams.size === 0 && !this.#isLost) this.#events.idle();
    return true;
  }

  #lost(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    clearInterval(this.#watch);
    this.#events.lost();
    for (const [id, { exchange }] of this.#streams) {
      this.#forget(id);
      exchange.broken(BROKEN.detail);
    }
  }
}

const KINDS = { open_http: 'http', open_websocket: 'websocket', open_raw: 'raw' } as const;

/** Codes that are a series of their own. A container can make up others. */
const REFUSALS: ReadonlySet<string> = new Set([
  'container_outdated',
  'port_closed',
  'port_forbidden',
  'bad_answer',
  'timeout',
]);

const readFrame = frameReader(runnerTunnelFrame);
