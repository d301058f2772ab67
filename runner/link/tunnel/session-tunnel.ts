import { WebSocket } from 'ws';
import { CloseCode } from '../../../protocol/close-code.ts';
import {
  edgeTunnelFrame,
  TUNNEL_BEAT_MS,
  TUNNEL_STREAMS,
  type EdgeTunnelFrame,
  type RunnerTunnelFrame,
} from '../../../protocol/link/tunnel/frames.ts';
import { decodeMessage, encodeMessage } from '../../../protocol/link/tunnel/message.ts';
import { StreamEnd } from '../../../protocol/link/tunnel/stream-end.ts';
import { frameReader } from '../../../protocol/link/tolerant-reader.ts';
import type { Log } from '../../lib/log.ts';
import { runnerMetrics } from '../../lib/metrics.ts';
import { dial, type EdgeAgents } from '../dial.ts';
import type { Exchange, TunnelStream } from './exchange.ts';
import { HttpExchange } from './http-exchange.ts';
import { PortPool } from './port-pool.ts';
import { RawExchange } from './raw-exchange.ts';
import type { StreamServer } from './stream-server.ts';
import { WebSocketExchange } from './websocket-exchange.ts';

export interface SessionTunnelOptions {
  /** The session's tunnel socket. */
  url: string;
  /** Of the data socket, for this epoch. */
  token: string;
  agents?: EdgeAgents | undefined;
  streams: StreamServer;
  log: Log;
  beatMs?: number;
}

interface Open {
  readonly end: StreamEnd;
  exchange: Exchange | undefined;
}

/**
 * The runner's end of a session's tunnel. It dials when the session asks for it, and not again after a break: who waited has
 * learnt of that, and the session asks again when somebody comes.
 */
export class SessionTunnel {
  readonly #options: SessionTunnelOptions;
  readonly #pool: PortPool;
  readonly #open = new Map<number, Open>();
  #socket: WebSocket | undefined;
  #beats: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SessionTunnelOptions) {
    this.#options = options;
    this.#pool = new PortPool((target) => options.streams.open(target));
  }

  /** The session wants a tunnel. One that is there is taken by the session's word for dead: it would not ask. */
  ask(): void {
    if (this.#isClosed || this.#socket?.readyState === WebSocket.CONNECTING) return;
    this.#end();
    const { url, token, agents, log } = this.#options;
    const socket = dial(
      url,
      token,
      {
        open: () => this.#beat(socket),
        message: (text) => this.#receive(socket, text),
        binary: (data) => this.#receiveBytes(socket, data),
        end: (how) => {
          if (this.#socket !== socket) return;
          log.debug('tunnel closed', { ...how });
          this.#end();
        },
      },
      agents,
    );
    this.#socket = socket;
  }

  /** Breaks everything off. */
  close(): void {
    this.#isClosed = true;
    this.#end();
    this.#pool.close();
  }

  #end(): void {
    clearInterval(this.#beats);
    const socket = this.#socket;
    this.#socket = undefined;
    for (const stream of this.#open.keys()) this.#forget(stream)?.exchange?.cancel();
    if (socket?.readyState === WebSocket.OPEN) socket.close(1000);
    else socket?.terminate();
  }

  /** Shows the session that the runner is there, and ends a connection to an edge that is not. */
  #beat(socket: WebSocket): void {
    let missed = 0;
    socket.on('pong', () => (missed = 0));
    this.#beats = setInterval(() => {
      if (++missed > 3) return socket.terminate();
      socket.ping();
      this.#send({ kind: 'beat' });
    }, this.#options.beatMs ?? TUNNEL_BEAT_MS);
    this.#beats.unref();
  }

  #send(frame: RunnerTunnelFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #receive(socket: WebSocket, text: string): void {
    if (this.#socket !== socket) return;
    const json = parseJson(text);
    const received = readFrame(json);
    if (received.is === 'invalid') return this.#broke(socket, 'not a frame of a tunnel');
    if (received.is === 'frame') return this.#handle(received.frame);
    runnerMetrics.count('cc_docker_runner_unknown_frames_total', { from: 'session' });
    // A way to open a stream that a newer edge knows: it waits for an answer.
    const { stream } = json as { stream?: unknown };
    if (received.kind.startsWith('open_') && typeof stream === 'number')
      this.#send({ kind: 'refused', stream, code: 'runner_outdated', detail: 'The runner is of an earlier version.' });
  }

  #receiveBytes(socket: WebSocket, data: Buffer): void {
    if (this.#socket !== socket) return;
    const message = decodeMessage(data);
    if (message === null) return this.#broke(socket, 'not a message of a tunnel');
    const open = this.#open.get(message.stream);
    if (open === undefined) return;
    const cost = open.end.received(message.bytes.byteLength);
    if (cost === null) return this.#broke(socket, 'more than there was credit for');
    open.exchange?.bytes(message, cost);
  }

  #broke(socket: WebSocket, why: string): void {
    this.#options.log.error('the edge did not keep to the protocol of tunnels', { why });
    socket.close(CloseCode.badFrame, why);
    this.#end();
  }

  #handle(frame: EdgeTunnelFrame): void {
    switch (frame.kind) {
      case 'credit':
        return this.#open.get(frame.stream)?.end.credit(frame.bytes);
      case 'end':
        return this.#open.get(frame.stream)?.exchange?.end(frame);
      case 'reset':
        return this.#forget(frame.stream)?.exchange?.cancel();
      case 'open_http':
      case 'open_websocket':
      case 'open_raw':
        return this.#begin(frame);
    }
  }

  #begin(frame: Extract<EdgeTunnelFrame, { kind: `open_${string}` }>): void {
    const { stream: id } = frame;
    if (this.#open.has(id) || this.#open.size >= TUNNEL_STREAMS) {
      const detail = `${TUNNEL_STREAMS} streams of this session are open.`;
      return this.#send({ kind: 'refused', stream: id, code: 'too_many_streams', detail });
    }
    const end = new StreamEnd({
      message: (part) => this.#socket?.send(encodeMessage({ stream: id, ...part })),
      credit: (bytes) => this.#send({ kind: 'credit', stream: id, bytes }),
      end: (how) => this.#send({ kind: 'end', stream: id, ...how }),
    });
    const open: Open = { end, exchange: undefined };
    this.#open.set(id, open);
    const over = (frame: RunnerTunnelFrame): void => {
      // The stream was reset meanwhile.
      if (this.#open.get(id) !== open) return;
      this.#forget(id);
      this.#send(frame);
    };
    const stream: TunnelStream = {
      end,
      head: (status, headers) => this.#send({ kind: 'head', stream: id, status, headers }),
      opened: () => this.#send({ kind: 'opened', stream: id }),
      refuse: (code, detail) => over({ kind: 'refused', stream: id, code, detail }),
      reset: (detail) => over({ kind: 'reset', stream: id, detail }),
      finish: () =>
        end.whenEnded(() => {
          if (this.#open.get(id) === open) this.#forget(id);
        }),
    };
    open.exchange = this.#exchange(frame, stream);
  }

  #exchange(frame: Extract<EdgeTunnelFrame, { kind: `open_${string}` }>, stream: TunnelStream): Exchange {
    if (frame.kind === 'open_http') return new HttpExchange(frame, this.#pool, stream);
    if (frame.kind === 'open_websocket') {
      return new WebSocketExchange(frame, this.#pool, stream, (handlers) =>
        this.#dialForSocket(frame.stream, handlers),
      );
    }
    return new RawExchange(frame.target, (target) => this.#options.streams.open(target), stream);
  }

  /** The messages of a WebSocket have a connection for themselves, which the session joins with the client's. */
  #dialForSocket(stream: number, { open, end }: { open: () => void; end: () => void }): WebSocket {
    const { url, token, agents } = this.#options;
    // Messages are taken from the socket itself.
    return dial(`${url}?stream=${stream}`, token, { open, message: () => {}, binary: () => {}, end }, agents);
  }

  #forget(id: number): Open | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.end.close();
    return open;
  }
}

const readFrame = frameReader(edgeTunnelFrame);

/** Undefined: it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
