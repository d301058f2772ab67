import { CloseCode } from '../../../protocol/close-code.ts';
import { dataFrame, type DataFrame, type RunnerNoticeFrame } from '../../../protocol/link/runner-notice.ts';
import { FIRST_PROTOCOL, PROTOCOL, tooFarApart, worksWith } from '../../../protocol/link/protocol-version.ts';
import { frameReader } from '../../../protocol/link/tolerant-reader.ts';
import { isPreviewFrame } from '../../../protocol/link/wrapper/preview-frame.ts';
import type { SessionFrame, WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import type { WrapperFrame } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import type { NumberedCommand } from '../store/tables/command-table.ts';
import { Flow } from '../core/link/flow.ts';
import { isJson, parseJson } from '../../shared/json.ts';
import { count } from '../../rpc/telemetry/counts.ts';
import { MAX_UNKNOWN_PER_MINUTE, UnknownFrames } from '../../shared/unknown-frames.ts';
import type { Preview } from '../core/shown.ts';
import type { SessionStore } from '../store/store.ts';

/** A frame, and its length as text, UTF-16 units. */
interface Sized<T> {
  readonly frame: T;
  readonly length: number;
}

/** What a container sends: items to store, and previews. */
type ContainerFrame = Sized<Extract<WrapperFrame, { kind: 'items' | 'preview' }>>;

/** Marks a container's data socket. Stored as the socket's attachment, so that it survives hibernation. */
interface Attachment {
  readonly kind: 'data';
  readonly epoch: number;
  /** The runner has said `hello`, and whether it dials tunnels. */
  readonly tunnels?: boolean;
  /** What it speaks, by its `hello`. */
  readonly protocol?: number;
}

const TAG = 'data';

/** The protocol from which on a runner passes over frames that it does not know. */
const PASSES_OVER = 2;

/** The longest that a timer can wait, milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The session's end of the link to its container: stores what the container sends exactly once, and sends it commands.
 */
export class ContainerLink {
  readonly #ctx: DurableObjectState;
  readonly #store: SessionStore;
  readonly #flow: Flow;
  readonly #unknown = new UnknownFrames();
  readonly #onWelcome: () => void;
  readonly #show: (previews: readonly Preview[]) => boolean;
  /** The runner passes previews on. It does so at first; null: an object that was not in memory does not know. */
  #previewsWanted: boolean | null = null;
  /** The epochs of data sockets, as long as the object is in memory. */
  readonly #epochs = new WeakMap<WebSocket, number>();
  /** While an acknowledgement is held back. Its container waits for it, so the object is in use. */
  #timer: ReturnType<typeof setTimeout> | null = null;

  /**
   * @param show shows previews to viewers: they change nothing, so that no transaction has to. False: nobody watches who is shown them
   * @param onWelcome the container's link is up, for the first time or again
   */
  constructor(
    ctx: DurableObjectState,
    store: SessionStore,
    show: (previews: readonly Preview[]) => boolean,
    onWelcome: () => void,
  ) {
    this.#show = show;
    this.#onWelcome = onWelcome;
    this.#ctx = ctx;
    this.#store = store;
    this.#flow = new Flow(store.settings);
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
    const epoch = this.#epochOf(socket);
    if (epoch === null) return false;
    if (socket.readyState !== WebSocket.OPEN || !this.#isCurrent(socket, epoch)) return true;
    const parsed = parseFrames(message);
    if (parsed === null) socket.close(CloseCode.badFrame, 'not frames of the wrapper link');
    else if (!this.#passesOver(parsed.unknown)) {
      socket.close(CloseCode.tooMany, `more than ${MAX_UNKNOWN_PER_MINUTE} unknown frames or fields a minute`);
    } else this.#handle(socket, epoch, parsed.frames);
    return true;
  }

  /** The epoch of a data socket; null: it is another socket. */
  #epochOf(socket: WebSocket): number | null {
    const known = this.#epochs.get(socket);
    if (known !== undefined) return known;
    const attachment = socket.deserializeAttachment() as Partial<Attachment> | null;
    if (attachment?.kind !== 'data' || attachment.epoch === undefined) return null;
    this.#epochs.set(socket, attachment.epoch);
    return attachment.epoch;
  }

  /** Passes over frames and fields that are not known; false: there are too many. */
  #passesOver(unknown: number): boolean {
    if (unknown === 0) return true;
    count('cc_docker_unknown_frames_total', { from: 'container' }, unknown);
    return this.#unknown.allows('link', unknown, Date.now());
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

  /** A viewer has come: previews are wanted again. */
  watched(): void {
    if (this.#previewsWanted !== true) this.#wantPreviews(true);
  }

  /** Notifies the runner whether anybody is shown previews. Without that, it passes them on. */
  #wantPreviews(wanted: boolean): void {
    this.#previewsWanted = wanted;
    for (const socket of this.#ctx.getWebSockets(TAG)) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const { protocol = FIRST_PROTOCOL } = socket.deserializeAttachment() as Partial<Attachment>;
      if (protocol >= PASSES_OVER) send(socket, { kind: 'previews', wanted });
    }
  }

  /** Asks the runner to dial the session's tunnel. */
  askTunnel(): 'asked' | 'not_connected' | 'runner_outdated' {
    for (const socket of this.#ctx.getWebSockets(TAG)) {
      const { tunnels } = socket.deserializeAttachment() as Partial<Attachment>;
      if (socket.readyState !== WebSocket.OPEN || tunnels === undefined) continue;
      if (!tunnels) return 'runner_outdated';
      send(socket, { kind: 'tunnel' });
      return 'asked';
    }
    return 'not_connected';
  }

  /** Closes the socket, and returns false, if the session is gone or `epoch` is not the present one. */
  #isCurrent(socket: WebSocket, epoch: number): boolean {
    const { record } = this.#store;
    if (record === null) socket.close(CloseCode.notFound, 'there is no such session');
    else if (epoch !== record.state.epoch) socket.close(CloseCode.staleEpoch, 'this epoch is over');
    else return true;
    return false;
  }

  #handle(socket: WebSocket, epoch: number, frames: readonly Sized<DataFrame>[]): void {
    const sent: ContainerFrame[] = [];
    for (const { frame, length } of frames) {
      if (frame.kind === 'items' || frame.kind === 'preview') sent.push({ frame, length });
      else if (frame.kind === 'host') this.#storeNotices(socket, frame);
      else if (frame.kind === 'taken') this.#store.commands.taken(epoch, frame.command);
      else if (frame.kind === 'pong') continue;
      else if (!worksWith(frame.protocol ?? FIRST_PROTOCOL)) {
        const runner = frame.protocol ?? FIRST_PROTOCOL;
        return socket.close(CloseCode.forbidden, tooFarApart({ runner, edge: PROTOCOL }));
      } else if (frame.epoch === epoch) {
        const { tunnel: tunnels = false, protocol = FIRST_PROTOCOL } = frame;
        socket.serializeAttachment({ kind: 'data', epoch, tunnels, protocol } satisfies Attachment);
        this.#welcome(socket, epoch, frame.taken);
      } else return socket.close(CloseCode.badFrame, 'the epoch is not that of the token');
    }
    if (sent.some(({ frame }) => frame.kind === 'items')) this.#storeFrames(socket, sent);
    else this.#showPreviews(sent);
  }

  /** Shows previews that came without items. */
  #showPreviews(sent: readonly ContainerFrame[]): void {
    const time = Date.now();
    const previews = sent.flatMap(({ frame, length }): Preview[] => {
      if (frame.kind !== 'preview' || !this.#flow.preview(length, time) || !isJson(frame.line)) return [];
      return [{ time, preview: frame.line }];
    });
    if (previews.length > 0 && !this.#show(previews) && this.#previewsWanted !== false) this.#wantPreviews(false);
  }

  #welcome(socket: WebSocket, epoch: number, taken: number): void {
    const { stored, notices_stored } = this.#store.current.link;
    this.#flow.welcomed();
    this.#previewsWanted = true;
    // A `taken` frame may have been lost. If the container ends now, what the wrapper has taken must not be sent again.
    this.#store.commands.taken(epoch, taken);
    send(socket, { kind: 'welcome', stored, protocol: PROTOCOL });
    send(socket, { kind: 'host_ack', stored: notices_stored });
    send(socket, { kind: 'model', held: this.#store.current.state.suspended !== null });
    for (const command of this.#store.commands.after(epoch, taken)) this.#sendCommand(socket, command);
    this.#onWelcome();
  }

  #sendCommand(socket: WebSocket, { number, command }: NumberedCommand): void {
    send(socket, { kind: 'command', number, command: this.#complete(command) });
  }

  /** The command with what its message says, as far as that is not stored with it. */
  #complete(command: WrapperCommand): WrapperCommand {
    if (command.command !== 'prompt') return command;
    const said = this.#store.messages.handover(command.message_id);
    return said === null ? { command: 'skip' } : { ...command, ...said };
  }

  /** Stores the runner's own notices. */
  #storeNotices(socket: WebSocket, { first, notices }: RunnerNoticeFrame): void {
    this.#store.change((tx) => tx.link.takeNotices(first, notices));
    send(socket, { kind: 'host_ack', stored: this.#store.current.link.notices_stored });
  }

  /** Stores and publishes all frames of one message in one transaction. */
  #storeFrames(socket: WebSocket, sent: readonly ContainerFrame[]): void {
    const now = Date.now();
    const before = this.#store.current.link.stored;
    const load = { events: 0, bytes: 0 };
    const complete = this.#store.change((tx) => {
      for (const { frame, length } of sent) {
        if (frame.kind === 'preview') {
          if (this.#flow.preview(length, now)) tx.preview(frame.line);
          continue;
        }
        const { stored } = tx.record.link;
        if (!tx.link.take(frame.first, frame.items)) return false;
        const fresh = tx.record.link.stored - stored;
        load.events += fresh;
        if (fresh > 0) load.bytes += length;
      }
      return true;
    });
    const { stored } = this.#store.current.link;
    if (complete || stored > before) this.#flow.stored(stored, load, now);
    if (!complete) send(socket, { kind: 'resend', from: stored + 1 });
    this.#acknowledge(socket);
    const flood = stored > before ? this.#flow.flood() : null;
    if (flood === null) return;
    this.#store.change((tx) => tx.input({ on: 'flooded', reason: { code: 'event_flood', detail: flood } }));
    // Nobody reads on, whatever the runner does until the container has ended.
    socket.close(CloseCode.staleEpoch, 'too much came');
  }

  /** Acknowledges what is due, now and later. */
  #acknowledge(socket: WebSocket, hasJoined = false): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (socket.readyState !== WebSocket.OPEN) return;
    const now = Date.now();
    const stored = this.#flow.acknowledge(now, hasJoined);
    if (stored !== null) send(socket, { kind: 'ack', stored });
    const due = this.#flow.nextDue();
    if (due === null) return;
    const waitMs = Math.min(Math.max(1, due - now), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#acknowledge(socket, true), waitMs);
  }
}

function send(socket: WebSocket, frame: SessionFrame): void {
  socket.send(JSON.stringify(frame));
}

const readDataFrame = frameReader(dataFrame);

/**
 * Parses a message of one or more frames, one per line. Null: a line is not a valid frame. `unknown`: frames and fields that are of a
 * newer version.
 */
function parseFrames(message: string | ArrayBuffer): { frames: Sized<DataFrame>[]; unknown: number } | null {
  if (typeof message !== 'string') return null;
  const frames: Sized<DataFrame>[] = [];
  let unknown = 0;
  for (const line of message.split('\n')) {
    const json = parseJson(line);
    if (isPreviewFrame(json)) {
      frames.push({ frame: json, length: line.length });
      continue;
    }
    const received = readDataFrame(json);
    if (received.is === 'invalid') return null;
    unknown += received.is === 'unknown' ? 1 : received.unknown;
    if (received.is === 'frame') frames.push({ frame: received.frame, length: line.length });
  }
  return { frames, unknown };
}
