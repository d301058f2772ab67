import { WebSocket } from 'ws';
import * as z from 'zod';
import { CloseCode } from '../../protocol/close-code.ts';
import type { Reason } from '../../protocol/reason.ts';
import {
  HEARTBEAT,
  HEARTBEAT_MS,
  placementKey,
  poolFrame,
  type PlacementKey,
  type PoolFrame,
  type RunnerFrame,
  type SnapshotReport,
} from '../../protocol/link/runner-control.ts';
import { FIRST_PROTOCOL, PROTOCOL, tooFarApart, worksWith } from '../../protocol/link/protocol-version.ts';
import { frameReader } from '../../protocol/link/tolerant-reader.ts';
import { backoffMs, type BackoffRange } from '../lib/backoff.ts';
import { PendingReports } from './pending-reports.ts';
import { dial, type DialEnd, type EdgeAgents } from './dial.ts';
import type { Log } from '../lib/log.ts';
import { runnerMetrics } from '../lib/metrics.ts';
import { placementName } from '../lib/placement-name.ts';
import { waitAtMost } from '../lib/wait-at-most.ts';

type Hello = Extract<RunnerFrame, { kind: 'hello' }>;

/** A token for one connection, or why there is none. `isRefusal`: asking again within seconds does not help. */
export type RunnerToken = { token: string } | { problem: string; isRefusal: boolean };

/** Who the runner is to the edge. */
export interface Credentials {
  /** A token for one connection. A runner that the edge does not know enrols first. */
  token(): Promise<RunnerToken>;
  /** The edge has said that it does not know the runner. */
  unknown(): void;
}

export interface ControlOptions {
  /** The edge, http(s). */
  edgeUrl: string;
  /** Absent: it is dialled directly. */
  agents?: EdgeAgents | undefined;
  credentials: Credentials;
  log: Log;
  /** The first frame of each connection. `running` need not name launches that have ended: they are added here. */
  hello: () => Hello;
  onFrame: (frame: PoolFrame) => void;
  /** The pool has acknowledged that this launch has ended. */
  onEndedAck: (key: PlacementKey) => void;
  /** The pool has acknowledged this report. */
  onSnapshotAck: (sessionId: string, snapshotId: string) => void;
  backoff?: BackoffRange;
  /** Between attempts after a refusal that lasts longer than seconds. */
  slow?: BackoffRange;
  heartbeatMs?: number;
}

const BACKOFF: BackoffRange = { minMs: 100, maxMs: 15_000 };
const SLOW: BackoffRange = { minMs: 15_000, maxMs: 30_000 };

/** The runner's control socket to its pool. After `open` it reconnects forever. */
export class ControlConnection {
  readonly #options: ControlOptions;
  /** Sent on every connection until they are acknowledged. */
  readonly #reports = new PendingReports();
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #attempt = 0;
  #closed = false;
  #edgeProtocol = FIRST_PROTOCOL;
  #unknown = 0;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** What the edge speaks, as it said last. */
  get edgeProtocol(): number {
    return this.#edgeProtocol;
  }

  open(): void {
    void this.#connect();
  }

  /** Sends a frame that is of use only now; false when there is no connection. */
  send(frame: RunnerFrame): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Reports that a launch has ended, again on each connection until the pool has acknowledged it. */
  reportEnded(key: PlacementKey, reason: Reason): void {
    this.send(this.#reports.addEnded(key, reason));
  }

  /** Sends the report again if it is not acknowledged yet; false when there is none. */
  repeatEnded(key: PlacementKey): boolean {
    const frame = this.#reports.endedOf(key);
    if (frame !== undefined) this.send(frame);
    return frame !== undefined;
  }

  /** Reports the outcome of a snapshot, again on each connection until the pool has acknowledged it. */
  reportSnapshot(sessionId: string, report: SnapshotReport): void {
    this.send(this.#reports.addSnapshot(sessionId, report));
  }

  /** The session is deleted: nobody needs the reports of its snapshots. */
  forgetSnapshots(sessionId: string): void {
    this.#reports.forgetSnapshots(sessionId);
  }

  /** Closes the connection for a new one: the last `hello` is out of date, and each connection has only one. */
  reconnect(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.close(1000);
  }

  /** Resolves when every end and every snapshot that was reported has been acknowledged. */
  async allAcked(): Promise<void> {
    await this.#reports.allAcked();
  }

  /** Closes for good. Waits at most `lingerMs` for the edge's close frame. */
  async close(lingerMs = 1_000): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.readyState === WebSocket.OPEN) {
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.close(1000);
      await waitAtMost(closed, lingerMs);
    }
    socket.terminate();
  }

  async #connect(): Promise<void> {
    const got = await this.#options.credentials.token();
    if (this.#closed) return;
    if ('token' in got) this.#socket = this.#dial(got.token);
    else if (got.isRefusal) this.#refused(got.problem);
    else this.#disconnected({ kind: 'unreachable', detail: got.problem });
  }

  #dial(token: string): WebSocket {
    const { edgeUrl, agents } = this.#options;
    const handlers = {
      open: () => this.#opened(socket),
      message: (text: string) => this.#message(text),
      end: (how: DialEnd) => this.#disconnected(how),
    };
    const socket = dial(`${edgeUrl}/api/v1/runner/control`, token, handlers, agents);
    return socket;
  }

  #opened(socket: WebSocket): void {
    const hello = this.#options.hello();
    const running = new Map(hello.running.map((key) => [placementName(key), key]));
    // Launches count as running until the pool has their `ended` frame with the reason, which follows.
    for (const key of this.#reports.launches) running.set(placementName(key), key);
    this.#unknown = 0;
    this.send({ ...hello, running: [...running.values()] });
    for (const frame of this.#reports.frames) this.send(frame);

    let missed = 0;
    socket.on('message', (data: Buffer) => {
      // Every message shows that the pool is there.
      if (data.length > 0) missed = 0;
    });
    this.#heartbeat = setInterval(() => {
      if (++missed > 3) socket.terminate();
      else socket.send(HEARTBEAT);
    }, this.#options.heartbeatMs ?? HEARTBEAT_MS);
  }

  #message(text: string): void {
    if (text === HEARTBEAT || this.#closed) return;
    const received = readFrame(text);
    if (received.is === 'invalid') return this.#invalid(text);
    const unknown = received.is === 'unknown' ? 1 : received.unknown;
    if (unknown > 0) this.#countUnknown(unknown);
    if (received.is === 'unknown') return;
    const { frame } = received;
    if (frame.kind === 'welcome') {
      const { protocol = FIRST_PROTOCOL } = frame;
      if (!worksWith(protocol)) {
        const why = tooFarApart({ runner: PROTOCOL, edge: protocol });
        this.#options.log.error('this runner does not work with the edge', { edge: this.#options.edgeUrl, why });
        return this.#socket?.close(CloseCode.forbidden, why);
      }
      this.#edgeProtocol = protocol;
      this.#attempt = 0;
      this.#options.log.info('connected', { edge: this.#options.edgeUrl });
    }
    if (frame.kind === 'probe') this.send({ kind: 'alive' });
    else if (frame.kind === 'ended_ack') this.#acked(frame);
    else if (frame.kind === 'snapshot_ack') this.#snapshotAcked(frame.snapshot_id);
    else this.#options.onFrame(frame);
  }

  /** A launch of a newer edge may have what this runner cannot read: its session is told. Anything else ends the connection. */
  #invalid(text: string): void {
    const { data } = unreadable.safeParse(parseJson(text));
    if (data !== undefined) {
      const detail = `The runner (protocol ${PROTOCOL}) does not understand this launch of the edge (protocol ${this.#edgeProtocol}): upgrade the runner.`;
      return this.reportEnded(data.launch, { code: 'container_start_failed', detail });
    }
    this.#options.log.error('a frame of the pool is not of the protocol', { bytes: text.length });
    this.#socket?.close(CloseCode.badFrame, 'not of the protocol');
  }

  #countUnknown(count: number): void {
    runnerMetrics.count('cc_docker_runner_unknown_frames_total', { from: 'pool' }, count);
    // Once a connection is enough for the log.
    if (this.#unknown === 0)
      this.#options.log.warn('the edge is newer: what this runner does not know is passed over', {});
    this.#unknown += count;
  }

  #acked(key: PlacementKey): void {
    if (this.#reports.ackEnded(key)) this.#options.onEndedAck(key);
  }

  #snapshotAcked(snapshotId: string): void {
    const sessionId = this.#reports.ackSnapshot(snapshotId);
    if (sessionId !== undefined) this.#options.onSnapshotAck(sessionId, snapshotId);
  }

  #disconnected(how: DialEnd): void {
    clearInterval(this.#heartbeat);
    if (this.#closed) return;
    const { log, edgeUrl } = this.#options;
    if (isUnknown(how)) {
      // It enrols with its code, if that is good; if not, the refusal of that one says what to do.
      this.#options.credentials.unknown();
    } else if (isRefusal(how)) {
      return this.#refused(how.kind === 'refused' ? how.detail : how.reason);
    }
    const attempt = this.#attempt++;
    let range = this.#options.backoff ?? BACKOFF;
    if (how.kind === 'closed' && (how.code === CloseCode.replaced || how.code === CloseCode.forbidden)) {
      range = this.#options.slow ?? SLOW;
      log.error('the edge does not take this runner', { edge: edgeUrl, reason: how.reason });
    } else if (how.kind === 'refused' && how.status === 409) {
      range = this.#options.slow ?? SLOW;
      log.error('another runner has this name', { edge: edgeUrl, ...how });
    } else if (attempt === 0 || attempt % 20 === 0) {
      log.warn('the edge is away, trying again', { edge: edgeUrl, attempt, ...how });
    }
    this.#retry(attempt, range);
  }

  #refused(detail: string): void {
    const { log, edgeUrl, slow } = this.#options;
    log.error('the edge refuses this runner', { edge: edgeUrl, detail });
    this.#retry(this.#attempt++, slow ?? SLOW);
  }

  #retry(attempt: number, range: BackoffRange): void {
    // The slow range has a minimum: asking again at once does not help.
    const floor = range === SLOW || range === this.#options.slow ? range.minMs : 0;
    this.#timer = setTimeout(() => this.open(), floor + backoffMs(attempt, range, Math.random()));
  }
}

function isUnknown(how: DialEnd): boolean {
  return how.kind === 'refused' && how.code === 'runner_unknown';
}

function isRefusal(how: DialEnd): how is Exclude<DialEnd, { kind: 'unreachable' }> {
  return (
    (how.kind === 'closed' && how.code === CloseCode.unauthorized) ||
    (how.kind === 'refused' && (how.status === 401 || how.status === 403))
  );
}

const readPoolFrame = frameReader(poolFrame);
const readFrame = (text: string) => readPoolFrame(parseJson(text));
const unreadable = z.object({ kind: z.literal('launch'), launch: placementKey });

/** Undefined: it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
