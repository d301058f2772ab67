import http2 from 'node:http2';
import { mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { PORTER_OWN_STREAMS, PORTER_SERVICES, PORTER_SOCKETS, type PorterService } from '../protocol/link/porter.ts';
import { STREAMS_FOLDER } from '../protocol/link/tunnel/streams.ts';
import { splice } from '../runner/lib/streams/splice.ts';
import { listenOnUnixSocket } from '../runner/lib/streams/unix-socket.ts';
import type { RunnerLine } from './runner-line.ts';

/** The session's sockets: each connection to one of them is carried to the runner's own socket of that name. */
export class SessionSockets {
  readonly #line: RunnerLine;
  readonly #open = new Map<Socket, PorterService>();
  #stop: (() => Promise<void>)[] = [];
  #onFewer: () => void = () => {};

  private constructor(line: RunnerLine) {
    this.#line = line;
  }

  /** @throws when a socket cannot be opened */
  static async open(run: string, line: RunnerLine): Promise<SessionSockets> {
    const sockets = new SessionSockets(line);
    await mkdir(path.join(run, STREAMS_FOLDER), { recursive: true, mode: 0o755 });
    for (const service of PORTER_SERVICES) {
      const server = createServer({ allowHalfOpen: true }, (socket) => sockets.#carry(socket, service));
      sockets.#stop.push(await listenOnUnixSocket(server, path.join(run, PORTER_SOCKETS[service])));
    }
    return sockets;
  }

  /** Resolves when the session's wrapper is connected no more, and what it said has been passed on. */
  async quiet(): Promise<void> {
    while ([...this.#open.values()].includes('link')) {
      await new Promise<void>((resolve) => (this.#onFewer = resolve));
    }
  }

  /** Accepts nothing more, and ends what is open. */
  async close(): Promise<void> {
    const stopping = this.#stop.map((stop) => stop());
    for (const socket of this.#open.keys()) socket.destroy();
    await Promise.all(stopping);
  }

  #carry(socket: Socket, service: PorterService): void {
    const stream =
      this.#open.size < this.#line.streams - PORTER_OWN_STREAMS / 2 ? this.#line.stream(`/${service}`) : undefined;
    // As if nobody listened: who dials comes again.
    if (stream === undefined) return void socket.destroy();
    this.#open.set(socket, service);
    let isSocketOpen = true;
    let isStreamOpen = true;
    const forget = (): void => {
      if (isSocketOpen || isStreamOpen) return;
      this.#open.delete(socket);
      this.#onFewer();
    };
    socket.once('close', () => ((isSocketOpen = false), forget()));
    stream.once('close', () => ((isStreamOpen = false), forget()));
    stream.once('response', (headers) => {
      if (headers[':status'] !== 200) stream.close(http2.constants.NGHTTP2_CANCEL);
    });
    splice(socket, stream);
  }
}
