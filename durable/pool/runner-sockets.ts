import { CloseCode } from '../../protocol/close-code.ts';
import {
  HEARTBEAT,
  HEARTBEAT_MS,
  runnerFrame,
  type PoolFrame,
  type RunnerFrame,
} from '../../protocol/link/runner-control.ts';
import { parseJson } from '../shared/json.ts';

/** Without a heartbeat for so long a runner is taken to be away, milliseconds. */
export const SILENT_MS = 3 * HEARTBEAT_MS;

interface Attachment {
  readonly name: string;
  /** When it connected, epoch milliseconds. */
  readonly since: number;
  /** It has said hello. Until then it has not been told what of its containers is wanted, and would end what it is sent. */
  readonly greeted: boolean;
}

/** The control sockets of a pool's runners. They outlive the object's own sleep. */
export class RunnerSockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    // Answered by the runtime, so that a heartbeat does not wake the object.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT, HEARTBEAT));
  }

  /** Takes a runner's socket in, in place of the one before it. */
  accept(socket: WebSocket, name: string): void {
    for (const other of this.#ctx.getWebSockets(name)) {
      other.close(CloseCode.replaced, 'a runner with the same name has connected');
    }
    this.#ctx.acceptWebSocket(socket, [name]);
    socket.serializeAttachment({ name, since: Date.now(), greeted: false } satisfies Attachment);
  }

  /** The runner has said hello: from now on it is there. */
  greeted(socket: WebSocket): void {
    socket.serializeAttachment({ ...attachmentOf(socket), greeted: true } satisfies Attachment);
  }

  /** The runner whose socket it is. */
  nameOf(socket: WebSocket): string {
    return attachmentOf(socket).name;
  }

  /** The open control socket of a runner that has said hello, other than `except`; null: the runner is away. */
  of(name: string, except?: WebSocket): WebSocket | null {
    return this.#ctx.getWebSockets(name).find((socket) => socket !== except && isGreeted(socket)) ?? null;
  }

  /** A half-open connection looks well from here; only its missing heartbeats show that nobody is there. */
  isSilent(socket: WebSocket, now: number): boolean {
    const heard = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? attachmentOf(socket).since;
    return now - heard > SILENT_MS;
  }

  /** Sends to a runner, if it is there: one that is away is told all that it missed when it says hello. */
  send(name: string, frame: PoolFrame): void {
    const socket = this.of(name);
    if (socket !== null) sendFrame(socket, frame);
  }
}

export function sendFrame(socket: WebSocket, frame: PoolFrame): void {
  socket.send(JSON.stringify(frame));
}

/** Null: it is not a frame of the control socket. */
export function parseFrame(message: string | ArrayBuffer): RunnerFrame | null {
  if (typeof message !== 'string') return null;
  return runnerFrame.safeParse(parseJson(message)).data ?? null;
}

function isGreeted(socket: WebSocket): boolean {
  return socket.readyState === WebSocket.OPEN && attachmentOf(socket).greeted;
}

function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment() as Attachment;
}
