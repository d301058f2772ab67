import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { runnerTransferFrame, type RunnerTransferFrame } from '../../../protocol/api/files/files.ts';
import {
  isKnownRunnerNotice,
  runnerNoticeFrame,
  type RunnerNoticeFrame,
  type RunnerNotice,
} from '../../../protocol/link/runner-notice.ts';
import {
  HEARTBEAT,
  runnerFrame,
  type PoolFrame,
  type RunnerFrame,
  type SnapshotReport,
} from '../../../protocol/link/runner-control.ts';
import type { SessionFrame, WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import { wrapperFrame, type LinkItem, type WrapperFrame } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import { Changes } from '../changes.ts';

/** A session as the edge keeps it: what it stored, and its orders. */
export interface FakeSession {
  items: LinkItem[];
  previews: string[];
  /** Lines and previews, in the order in which they came. */
  shown: string[];
  /** The runner's own notices. */
  notices: RunnerNotice[];
  hellos: Extract<WrapperFrame, { kind: 'hello' }>[];
  commands: { number: number; command: WrapperCommand }[];
  taken: number;
  socket: WebSocket | undefined;
  /** Stores nothing, and says nothing, while set. */
  mute: boolean;
  /** Closes every data socket with this code. */
  refuseWith: number | undefined;
}

/** The edge's two endpoints for runners, as a small server in this process. */
export class FakeEdge {
  readonly changes = new Changes();
  /** Frames of the control socket, all connections together. */
  readonly control: RunnerFrame[] = [];
  readonly sessions = new Map<string, FakeSession>();
  controlConnections = 0;
  heartbeats = 0;
  answersHeartbeats = true;
  /** What its `welcome` says; undefined: nothing, as before there were numbers. */
  protocol: number | undefined;
  acknowledgesEnds = true;
  acknowledgesSnapshots = true;
  /** Data that came over transfers, by their ids. */
  readonly transfers = new Map<string, { frames: RunnerTransferFrame[]; bytes: Buffer[]; socket: WebSocket }>();
  /** Refuses upgrades of this path's end with this status. */
  refuse: { status: number; problem: boolean } | undefined;
  controlSocket: WebSocket | undefined;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<FakeEdge> {
    const server = createServer();
    const edge = new FakeEdge(server);
    // Whoever has a code is enrolled.
    server.on('request', (request, response) => {
      const enrols = request.method === 'POST' && request.url === '/api/v1/runner/enrol';
      response.writeHead(enrols ? 201 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(enrols ? { name: 'of-the-tests' } : {}));
    });
    server.on('upgrade', (request, socket, head) => edge.#upgrade(request, socket, head));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return edge;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  session(id: string): FakeSession {
    let session = this.sessions.get(id);
    if (session === undefined) {
      session = {
        items: [],
        previews: [],
        shown: [],
        notices: [],
        hellos: [],
        commands: [],
        taken: 0,
        socket: undefined,
        mute: false,
        refuseWith: undefined,
      };
      this.sessions.set(id, session);
    }
    return session;
  }

  /** Breaks every connection and takes none. */
  leave(): void {
    this.refuse = { status: 503, problem: false };
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  comeBack(): void {
    this.refuse = undefined;
  }

  order(frame: PoolFrame): void {
    this.controlSocket?.send(JSON.stringify(frame));
  }

  /** Sends what may be of another version. */
  say(frame: unknown): void {
    this.controlSocket?.send(JSON.stringify(frame));
  }

  prompt(id: string, prompt: string): void {
    this.command(id, { command: 'prompt', message_id: '0190a0a0-0000-7000-8000-00000000000a', prompt });
  }

  command(id: string, command: WrapperCommand): void {
    const session = this.session(id);
    const number = session.commands.length + 1;
    session.commands.push({ number, command });
    if (session.socket !== undefined) this.#command(session.socket, number, command);
  }

  /** The frame of this kind that comes, or has come; `skip` of them ignored. */
  async frame<K extends RunnerFrame['kind']>(kind: K, skip = 0): Promise<Extract<RunnerFrame, { kind: K }>> {
    return await this.changes.until(
      () => this.control.filter((frame): frame is Extract<RunnerFrame, { kind: K }> => frame.kind === kind)[skip],
      () => ({ wanted: `${kind} number ${skip + 1}`, came: this.control.map((frame) => frame.kind) }),
    );
  }

  /** The report of a snapshot that came, or comes, and fits. */
  async report(fits: (report: SnapshotReport) => boolean): Promise<SnapshotReport> {
    return await this.changes.until(
      () => this.control.flatMap((frame) => (frame.kind === 'snapshot' ? [frame.report] : [])).filter(fits)[0],
    );
  }

  /** The first line of Claude Code's, stored or to come, that matches. */
  async line(id: string, matches: (line: string) => boolean): Promise<string> {
    return await this.changes.until(
      () => this.session(id).items.find((item): item is string => typeof item === 'string' && matches(item)),
      () => ({ wanted: String(matches), ...this.#heardOf(id) }),
    );
  }

  /** What came of a session, and of all on the control socket. */
  #heardOf(id: string) {
    const { items, hellos, commands, taken } = this.session(id);
    const ends = this.control.filter((frame) => frame.kind === 'ended');
    return { items, hellos, commands: commands.length, taken, came: this.control.map((frame) => frame.kind), ends };
  }

  async close(): Promise<void> {
    this.leave();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.refuse !== undefined) {
      const type = this.refuse.problem ? 'application/problem+json' : 'text/plain';
      socket.end(`HTTP/1.1 ${this.refuse.status} No\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\n{}`);
      return;
    }
    const id = /\/api\/v1\/runner\/sessions\/([^/]+)\/data$/.exec(request.url ?? '')?.[1];
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => {});
      const transfer = /\/transfers\/([^/]+)$/.exec(request.url ?? '')?.[1];
      if (id !== undefined) this.#data(this.session(id), ws);
      else if (transfer !== undefined) this.#transfer(transfer, ws);
      else this.#controls(ws);
    });
  }

  #controls(ws: WebSocket): void {
    this.controlSocket = ws;
    this.controlConnections += 1;
    this.changes.notify();
    ws.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text === HEARTBEAT) {
        this.heartbeats += 1;
        if (this.answersHeartbeats) ws.send(HEARTBEAT);
        return this.changes.notify();
      }
      const frame = runnerFrame.parse(JSON.parse(text));
      this.control.push(frame);
      const { controlSocket } = this;
      const { protocol } = this;
      if (frame.kind === 'hello')
        this.order({ kind: 'welcome', wanted: frame.running, ...(protocol !== undefined && { protocol }) });
      if (frame.kind === 'ended' && this.acknowledgesEnds && controlSocket === ws)
        this.order({ kind: 'ended_ack', session_id: frame.session_id, epoch: frame.epoch });
      if (frame.kind === 'snapshot' && frame.report.state !== 'pending' && this.acknowledgesSnapshots)
        this.order({ kind: 'snapshot_ack', snapshot_id: frame.report.snapshot_id });
      this.changes.notify();
    });
  }

  #transfer(id: string, socket: WebSocket): void {
    const transfer = { frames: [] as RunnerTransferFrame[], bytes: [] as Buffer[], socket };
    this.transfers.set(id, transfer);
    this.changes.notify();
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) transfer.bytes.push(data);
      else transfer.frames.push(runnerTransferFrame.parse(JSON.parse(data.toString())));
      this.changes.notify();
    });
  }

  #data(session: FakeSession, ws: WebSocket): void {
    if (session.refuseWith !== undefined) return ws.close(session.refuseWith);
    session.socket = ws;
    ws.on('close', () => {
      if (session.socket === ws) session.socket = undefined;
    });
    ws.on('message', (data: Buffer) => {
      for (const line of data.toString().split('\n')) {
        const parsed: unknown = JSON.parse(line);
        const frame = runnerNoticeFrame.safeParse(parsed).data ?? wrapperFrame.parse(parsed);
        if (!session.mute) this.#take(session, ws, frame);
      }
      this.changes.notify();
    });
  }

  #take(session: FakeSession, ws: WebSocket, frame: WrapperFrame | RunnerNoticeFrame): void {
    const say = (answer: SessionFrame) => ws.send(JSON.stringify(answer));
    const stored = session.items.length;
    switch (frame.kind) {
      case 'hello':
        session.hellos.push(frame);
        say({ kind: 'welcome', stored });
        say({ kind: 'host_ack', stored: session.notices.length });
        for (const { number, command } of session.commands)
          if (number > frame.taken) this.#command(ws, number, command);
        break;
      case 'items': {
        if (frame.first > stored + 1) return say({ kind: 'resend', from: stored + 1 });
        const fresh = frame.items.slice(stored + 1 - frame.first);
        session.items.push(...fresh);
        session.shown.push(...fresh.filter((item) => typeof item === 'string'));
        say({ kind: 'ack', stored: session.items.length });
        break;
      }
      case 'host':
        session.notices.push(
          ...frame.notices.slice(session.notices.length + 1 - frame.first).filter(isKnownRunnerNotice),
        );
        say({ kind: 'host_ack', stored: session.notices.length });
        break;
      case 'preview':
        session.previews.push(frame.line);
        session.shown.push(frame.line);
        break;
      case 'taken':
        session.taken = frame.command;
        break;
      case 'pong':
        throw new Error('a relay passes no pong on');
    }
  }

  #command(ws: WebSocket, number: number, command: WrapperCommand): void {
    ws.send(JSON.stringify({ kind: 'command', number, command } satisfies SessionFrame));
  }
}
