import { CloseCode } from '../../../protocol/close-code.ts';
import { dataFrame, type DataFrame, type RunnerNoticeFrame } from '../../../protocol/link/runner-notice.ts';
import type { SessionFrame, WrapperCommand } from '../../../protocol/link/wrapper-link.ts';
import type { WrapperFrame } from '../../../protocol/link/wrapper-notice.ts';
import type { NumberedCommand } from '../store/tables/command-table.ts';
import { parseJson } from '../../shared/json.ts';
import type { SessionStore } from '../store/store.ts';

/** What a container sends: items to store, and previews. */
type ContainerFrame = Extract<WrapperFrame, { kind: 'items' | 'preview' }>;

/** Marks a container's data socket. Stored as the socket's attachment, so that it survives hibernation. */
interface Attachment {
  readonly kind: 'data';
  readonly epoch: number;
}

const TAG = 'data';

/**
 * The session's end of the link to its container: stores what the container sends exactly once, and sends it commands.
 */
export class ContainerLink {
  readonly #ctx: DurableObjectState;
  readonly #store: SessionStore;

  constructor(ctx: DurableObjectState, store: SessionStore) {
    this.#ctx = ctx;
    this.#store = store;
  }

  /** Accepts a data socket of `epoch`. It replaces an earlier one. */
  accept(socket: WebSocket, epoch: number): void {
    this.#ctx.acceptWebSocket(socket, [TAG]);
    if (!this.#isCurrent(socket, epoch)) return;
    for (const other of this.#ctx.getWebSockets(TAG)) {
      if (other !== socket) other.close(CloseCode.replaced, 'another connection has taken this one’s place');
    }
    socket.serializeAttachment({ kind: 'data', epoch } satisfies Attachment);
  }

  /** Handles a message on a data socket. False: the socket is not a data socket. */
  receive(socket: WebSocket, message: string | ArrayBuffer): boolean {
    const attachment = socket.deserializeAttachment() as Partial<Attachment> | null;
    if (attachment?.kind !== 'data' || attachment.epoch === undefined) return false;
    if (socket.readyState !== WebSocket.OPEN || !this.#isCurrent(socket, attachment.epoch)) return true;
    const frames = parseFrames(message);
    if (frames === null) socket.close(CloseCode.badFrame, 'not frames of the wrapper link');
    else this.#handle(socket, attachment.epoch, frames);
    return true;
  }

  /** Sends commands. A wrapper that is not connected gets them after its `hello`. */
  order(commands: readonly NumberedCommand[]): void {
    for (const command of commands) {
      for (const socket of this.#ctx.getWebSockets(TAG)) {
        if (socket.readyState === WebSocket.OPEN) this.#sendCommand(socket, command);
      }
    }
  }

  /** Notifies the runner whether to pause calls to the model; a runner that is not connected, when it connects. */
  pauseModel(paused: boolean): void {
    for (const socket of this.#ctx.getWebSockets(TAG)) {
      if (socket.readyState === WebSocket.OPEN) send(socket, { kind: 'model', held: paused });
    }
  }

  /** Closes the socket, and returns false, if the session is gone or `epoch` is not the present one. */
  #isCurrent(socket: WebSocket, epoch: number): boolean {
    const { record } = this.#store;
    if (record === null) socket.close(CloseCode.notFound, 'there is no such session');
    else if (epoch !== record.state.epoch) socket.close(CloseCode.staleEpoch, 'this epoch is over');
    else return true;
    return false;
  }

  #handle(socket: WebSocket, epoch: number, frames: readonly DataFrame[]): void {
    const sent: ContainerFrame[] = [];
    for (const frame of frames) {
      if (frame.kind === 'items' || frame.kind === 'preview') sent.push(frame);
      else if (frame.kind === 'host') this.#storeNotices(socket, frame);
      else if (frame.kind === 'taken') this.#store.commands.taken(epoch, frame.command);
      else if (frame.epoch === epoch) this.#welcome(socket, epoch, frame.taken);
      else return socket.close(CloseCode.badFrame, 'the epoch is not that of the token');
    }
    if (sent.length > 0) this.#storeFrames(socket, sent);
  }

  #welcome(socket: WebSocket, epoch: number, taken: number): void {
    const { stored, notices_stored } = this.#store.current.link;
    // A `taken` frame may have been lost. If the container ends now, what the wrapper has taken must not be sent again.
    this.#store.commands.taken(epoch, taken);
    send(socket, { kind: 'welcome', stored });
    send(socket, { kind: 'host_ack', stored: notices_stored });
    send(socket, { kind: 'model', held: this.#store.current.state.suspended !== null });
    for (const command of this.#store.commands.after(epoch, taken)) this.#sendCommand(socket, command);
  }

  #sendCommand(socket: WebSocket, { number, command }: NumberedCommand): void {
    send(socket, { kind: 'command', number, command: this.#complete(command) });
  }

  /** The command with the blocks of its message, which are not stored with it. */
  #complete(command: WrapperCommand): WrapperCommand {
    if (command.command !== 'prompt') return command;
    const content = this.#store.messages.content.data(command.message_id);
    if (content === 'none') return command;
    return content === 'gone' ? { command: 'skip' } : { ...command, content };
  }

  /** Stores the runner's own notices. */
  #storeNotices(socket: WebSocket, { first, notices }: RunnerNoticeFrame): void {
    this.#store.change((tx) => tx.link.takeNotices(first, notices));
    send(socket, { kind: 'host_ack', stored: this.#store.current.link.notices_stored });
  }

  /** Stores and publishes all frames of one message in one transaction. */
  #storeFrames(socket: WebSocket, sent: readonly ContainerFrame[]): void {
    const complete = this.#store.change((tx) => {
      for (const frame of sent) {
        if (frame.kind === 'preview') tx.preview(frame.line);
        else if (!tx.link.take(frame.first, frame.items)) return false;
      }
      return true;
    });
    const { stored } = this.#store.current.link;
    if (!complete) send(socket, { kind: 'resend', from: stored + 1 });
    else if (sent.some(({ kind }) => kind === 'items')) send(socket, { kind: 'ack', stored });
  }
}

function send(socket: WebSocket, frame: SessionFrame): void {
  socket.send(JSON.stringify(frame));
}

/** Parses a message of one or more frames, one per line. Null: a line is not a valid frame. */
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
