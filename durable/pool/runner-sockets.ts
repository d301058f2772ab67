import { CloseCode } from '../../protocol/close-code.ts';
import {
  HEARTBEAT,
  HEARTBEAT_MS,
  runnerFrame,
  type PoolFrame,
  type RunnerFrame,
} from '../../protocol/link/runner-control.ts';
import { frameReader, type Received } from '../../protocol/link/tolerant-reader.ts';
import { parseJson } from '../shared/json.ts';

/** A runner without a heartbeat for this long counts as away, milliseconds. */
export const SILENT_MS = 3 * HEARTBEAT_MS;

/** Time for a connected runner to show that it lives, milliseconds. */
const PROBE_MS = 3_000;

interface Attachment {
  readonly name: string;
  /** When it connected, epoch milliseconds. */
  readonly since: number;
  /** It has said hello. Before that it does not know which of its containers are wanted, and would end one that it is sent. */
  readonly greeted: boolean;
}

/** The control sockets of a pool's runners. They stay open while the object hibernates. */
export class RunnerSockets {
  readonly #ctx: DurableObjectState;
  /** Those that have said hello, by name. (To ask the runtime for each of hundreds takes longer than to place a session.) */
  readonly #greeted = new Map<string, WebSocket>();
  /** By name: who waits for the answer to a probe. */
  readonly #probes = new Map<string, readonly ((isFree: boolean) => void)[]>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    // The runtime answers heartbeats, so that they do not wake the object.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT, HEARTBEAT));
    for (const socket of ctx.getWebSockets())
      if (isGreeted(socket)) this.#greeted.set(attachmentOf(socket).name, socket);
  }

  /** Whether nobody who lives has this name: one who is connected is asked, because a connection can be dead and look open. */
  async isFree(name: string): Promise<boolean> {
    const socket = this.of(name);
    if (socket === null) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#probes.set(name, [...(this.#probes.get(name) ?? []), resolve]);
    sendFrame(socket, { kind: 'probe' });
    const timer = setTimeout(() => resolve(true), PROBE_MS);
    const isFree = await promise;
    clearTimeout(timer);
    return isFree;
  }

  /** The runner of this name has answered a probe; or its connection has ended, and `lives` is false. */
  probed(name: string, lives: boolean): void {
    for (const resolve of this.#probes.get(name) ?? []) resolve(!lives);
    this.#probes.delete(name);
  }

  /** Accepts a runner's socket, which replaces an earlier one. */
  accept(socket: WebSocket, name: string): void {
    for (const other of this.#ctx.getWebSockets(name)) {
      other.close(CloseCode.replaced, 'a runner with the same name has connected');
    }
    this.#ctx.acceptWebSocket(socket, [name]);
    socket.serializeAttachment({ name, since: Date.now(), greeted: false } satisfies Attachment);
  }

  /** Closes a runner's sockets: it has another key now. */
  dismiss(name: string): void {
    for (const socket of this.#ctx.getWebSockets(name)) {
      socket.close(CloseCode.unauthorized, 'a runner has enrolled under this name with another key');
    }
  }

  /** The runner has said hello: from now on it can be sent frames. */
  greeted(socket: WebSocket): void {
    const attachment = attachmentOf(socket);
    socket.serializeAttachment({ ...attachment, greeted: true } satisfies Attachment);
    this.#greeted.set(attachment.name, socket);
  }

  /** The name of the runner that opened the socket. */
  nameOf(socket: WebSocket): string {
    return attachmentOf(socket).name;
  }

  /** The open socket of a runner that has said hello, except `except`; null: the runner is away. */
  of(name: string, except?: WebSocket): WebSocket | null {
    const socket = this.#greeted.get(name);
    return socket !== undefined && socket !== except && socket.readyState === WebSocket.OPEN ? socket : null;
  }

  /** A half-open connection looks open. Only the missing heartbeats show that the runner is gone. */
  isSilent(socket: WebSocket, now: number): boolean {
    return now - (this.heard(socket) ?? attachmentOf(socket).since) > SILENT_MS;
  }

  /** When its last heartbeat came, epoch milliseconds; null: none has come yet. */
  heard(socket: WebSocket): number | null {
    return this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null;
  }

  /** Sends to a runner that is connected. A runner that is away gets all that it missed when it says hello. */
  send(name: string, frame: PoolFrame): void {
    const socket = this.of(name);
    if (socket !== null) sendFrame(socket, frame);
  }
}

/** Of a runner that has gone meanwhile nothing is lost: it gets all that it missed when it says hello. */
export function sendFrame(socket: WebSocket, frame: PoolFrame): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

const readRunnerFrame = frameReader(runnerFrame);

export function parseFrame(message: string | ArrayBuffer): Received<RunnerFrame> {
  return typeof message === 'string' ? readRunnerFrame(parseJson(message)) : { is: 'invalid' };
}

function isGreeted(socket: WebSocket): boolean {
  return socket.readyState === WebSocket.OPEN && attachmentOf(socket).greeted;
}

function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment() as Attachment;
}
