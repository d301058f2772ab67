import { CloseCode } from '../../../protocol/close-code.ts';
import { dataFrame, type DataFrame, type HostFrame } from '../../../protocol/link/runner-notice.ts';
import type { SessionFrame } from '../../../protocol/link/wrapper-link.ts';
import type { WrapperFrame } from '../../../protocol/link/wrapper-notice.ts';
import type { NumberedCommand } from '../store/tables/command-table.ts';
import { parseJson } from '../../shared/json.ts';
import type { SessionCore } from '../store/store.ts';

/** What a container says: lines to store, and previews. */
type SaidFrame = Extract<WrapperFrame, { kind: 'items' | 'preview' }>;

/** What a container's data socket is good for. Kept as the socket's attachment, so that it outlives hibernation. */
interface Attachment {
  readonly kind: 'data';
  readonly epoch: number;
}

const TAG = 'data';

/** The session's end of the link to its container: takes what that says exactly once, and orders what it is to do. */
export class ContainerLink {
  readonly #ctx: DurableObjectState;
  readonly #core: SessionCore;

  constructor(ctx: DurableObjectState, core: SessionCore) {
    this.#ctx = ctx;
    this.#core = core;
  }

  /** Takes a data socket of `epoch` in, in place of the one before it. */
  accept(socket: WebSocket, epoch: number): void {
    this.#ctx.acceptWebSocket(socket, [TAG]);
    if (!this.#belongs(socket, epoch)) return;
    for (const other of this.#ctx.getWebSockets(TAG)) {
      if (other !== socket) other.close(CloseCode.replaced, 'another connection has taken this one’s place');
    }
    socket.serializeAttachment({ kind: 'data', epoch } satisfies Attachment);
  }

  /** A message came; false: the socket is not one of these. */
  receive(socket: WebSocket, message: string | ArrayBuffer): boolean {
    const attachment = socket.deserializeAttachment() as Partial<Attachment> | null;
    if (attachment?.kind !== 'data' || attachment.epoch === undefined) return false;
    if (socket.readyState !== WebSocket.OPEN || !this.#belongs(socket, attachment.epoch)) return true;
    const frames = parseFrames(message);
    if (frames === null) socket.close(CloseCode.badFrame, 'not frames of the wrapper link');
    else this.#take(socket, attachment.epoch, frames);
    return true;
  }

  /** Orders; a wrapper that is away gets them when it says hello. */
  order(commands: readonly NumberedCommand[]): void {
    for (const { number, command } of commands) {
      for (const socket of this.#ctx.getWebSockets(TAG)) {
        if (socket.readyState === WebSocket.OPEN) send(socket, { kind: 'command', number, command });
      }
    }
  }

  /** The runner holds calls to the model back, or no longer; one that is away is told when it comes. */
  holdModel(held: boolean): void {
    for (const socket of this.#ctx.getWebSockets(TAG)) {
      if (socket.readyState === WebSocket.OPEN) send(socket, { kind: 'model', held });
    }
  }

  #belongs(socket: WebSocket, epoch: number): boolean {
    const { record } = this.#core;
    if (record === null) socket.close(CloseCode.notFound, 'there is no such session');
    else if (epoch !== record.state.epoch) socket.close(CloseCode.staleEpoch, 'this epoch is over');
    else return true;
    return false;
  }

  #take(socket: WebSocket, epoch: number, frames: readonly DataFrame[]): void {
    const said: SaidFrame[] = [];
    for (const frame of frames) {
      if (frame.kind === 'items' || frame.kind === 'preview') said.push(frame);
      else if (frame.kind === 'host') this.#note(socket, frame);
      else if (frame.kind === 'taken') this.#core.commands.taken(epoch, frame.command);
      else if (frame.epoch === epoch) this.#welcome(socket, epoch, frame.taken);
      else return socket.close(CloseCode.badFrame, 'the epoch is not that of the token');
    }
    if (said.length > 0) this.#hear(socket, said);
  }

  #welcome(socket: WebSocket, epoch: number, taken: number): void {
    const { stored, host_stored } = this.#core.current.link;
    // Should the container go now, what it has taken is not said again.
    this.#core.commands.taken(epoch, taken);
    send(socket, { kind: 'welcome', stored });
    send(socket, { kind: 'host_ack', stored: host_stored });
    send(socket, { kind: 'model', held: this.#core.current.state.held !== null });
    for (const { number, command } of this.#core.commands.after(epoch, taken)) {
      send(socket, { kind: 'command', number, command });
    }
  }

  /** Stores what the runner has to say itself. */
  #note(socket: WebSocket, { first, notices }: HostFrame): void {
    this.#core.change((draft) => draft.takeNotices(first, notices));
    send(socket, { kind: 'host_ack', stored: this.#core.current.link.host_stored });
  }

  /** Stores and shows what was said, all of one message at once. */
  #hear(socket: WebSocket, said: readonly SaidFrame[]): void {
    const whole = this.#core.change((draft) => {
      for (const frame of said) {
        if (frame.kind === 'preview') draft.preview(frame.line);
        else if (!draft.take(frame.first, frame.items)) return false;
      }
      return true;
    });
    const { stored } = this.#core.current.link;
    if (!whole) send(socket, { kind: 'resend', from: stored + 1 });
    else if (said.some(({ kind }) => kind === 'items')) send(socket, { kind: 'ack', stored });
  }
}

function send(socket: WebSocket, frame: SessionFrame): void {
  socket.send(JSON.stringify(frame));
}

/** One or more frames, a line each; null when one of them is none. */
function parseFrames(message: string | ArrayBuffer): DataFrame[] | null {
  if (typeof message !== 'string') return null;
  const frames: DataFrame[] = [];
  for (const line of message.split('\n')) {
    const { data } = dataFrame.safeParse(parseJson(line));
    if (data === undefined) return null;
    frames.push(data);
  }
  return frames;
}
