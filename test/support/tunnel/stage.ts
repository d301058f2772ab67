import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { STREAMS_FOLDER, STREAMS_SOCKET } from '../../../protocol/link/tunnel/streams.ts';
import type { Log } from '../../../runner/lib/log.ts';
import { SessionTunnel } from '../../../runner/link/tunnel/session-tunnel.ts';
import { StreamServer } from '../../../runner/link/tunnel/stream-server.ts';
import { bundleWorker } from '../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../start/edge/edge.ts';
import { portStreams } from '../../../wrapper/streams/port-stream.ts';
import { Streams, type StreamOpener } from '../../../wrapper/streams/streams.ts';
import { keptLog } from '../quiet-log.ts';

/** The three parts that a tunnel goes through: workerd with `test/edge/support/workers/tunnel-worker.ts`, and the runner's and the wrapper's in this process. */
export class TunnelStage implements AsyncDisposable {
  readonly folder: string;
  readonly edge: Edge;
  streams: StreamServer;
  tunnel: SessionTunnel;
  wrapper: Streams;
  #ask: WebSocket | undefined;
  readonly #openers: Readonly<Record<string, StreamOpener>>;

  readonly log: Log;

  private constructor(
    folder: string,
    edge: Edge,
    streams: StreamServer,
    log: Log,
    openers: Readonly<Record<string, StreamOpener>>,
  ) {
    this.log = log;
    this.folder = folder;
    this.edge = edge;
    this.#openers = { port: portStreams(() => true), ...openers };
    this.streams = streams;
    this.tunnel = this.#newTunnel();
    this.wrapper = new Streams(path.join(folder, STREAMS_SOCKET), this.#openers);
  }

  /** @param openers other kinds of streams than ports */
  static async start(folder: string, openers: Readonly<Record<string, StreamOpener>> = {}): Promise<TunnelStage> {
    await mkdir(path.join(folder, STREAMS_FOLDER), { recursive: true });
    const worker = await bundleWorker('test/edge/support/workers/tunnel-worker.ts', path.join(folder, 'worker.mjs'));
    const edge = await startEdge({
      worker,
      host: '127.0.0.1',
      port: 0,
      stateFolder: path.join(folder, 'edge'),
      vars: {},
      config: {
        name: 'tunnel',
        compatibility_date: '2026-10-01',
        compatibility_flags: ['no_web_socket_compression'],
        durable_objects: { bindings: [{ name: 'SESSION', class_name: 'Session' }] },
        migrations: [{ tag: 'v1', new_sqlite_classes: ['Session'] }],
        vars: {},
      },
    });
    const kept = keptLog();
    const streams = await StreamServer.open(path.join(folder, STREAMS_SOCKET), kept.log);
    const stage = new TunnelStage(folder, edge, streams, kept.log, openers);
    await stage.listen();
    return stage;
  }

  /** Where the port's server is seen from outside. */
  url(port: number, target = '/'): string {
    return `${this.edge.url}/${port}${target}`;
  }

  /** The stage's link: it hears when a tunnel is wanted. */
  async listen(): Promise<void> {
    const ask = new WebSocket(`${this.edge.url.replace(/^http/, 'ws')}/ask`);
    this.#ask = ask;
    ask.on('message', () => this.tunnel.ask());
    await once(ask, 'open');
  }

  /** The link breaks: nobody hears when a tunnel is wanted. */
  async unlink(): Promise<void> {
    const ask = this.#ask;
    if (ask === undefined || ask.readyState === WebSocket.CLOSED) return;
    ask.terminate();
    await once(ask, 'close');
  }

  /** The runner's process is another one from now on; the container lives on. */
  async restartRunner(): Promise<void> {
    this.tunnel.close();
    await this.streams.close();
    this.streams = await StreamServer.open(path.join(this.folder, STREAMS_SOCKET), this.log);
    this.tunnel = this.#newTunnel();
  }

  #newTunnel(): SessionTunnel {
    return new SessionTunnel({ url: `${this.edge.url}/tunnel`, token: 'none', streams: this.streams, log: this.log });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ask?.terminate();
    this.wrapper.close();
    this.tunnel.close();
    await this.streams.close();
    await this.edge.stop();
  }
}
