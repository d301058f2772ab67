import { BATCH_BYTES, BATCH_EVENTS } from '../../../protocol/settings/limits.ts';
import { CloseCode } from '../../../protocol/close-code.ts';
import { OWN_PREFIXES } from '../../../protocol/api/event.ts';
import type { InteractionTable } from '../store/tables/interaction-table.ts';
import { envelopeJson, plainJson, previewJson, type EventLog, type Shown } from '../store/tables/event-log.ts';

/** How far a viewer that acknowledges may fall behind before it has to wait, UTF-16 units sent. */
const WINDOW = 8 * 1024 * 1024;
/** How much a viewer that never acknowledges is sent before it has to come back with its cursor. */
const LIMIT = 32 * 1024 * 1024;
/** How long a viewer may leave its window full, milliseconds. */
const STALL_MS = 60_000;

/** What is known of one viewer. Kept as the socket's attachment, so that it outlives hibernation. */
interface Viewer {
  readonly kind: 'viewer';
  /** The seed's dialect: one message a frame. */
  readonly plain: boolean;
  /** `seq` of the last event that was sent. */
  cursor: number;
  /** Sent since the last acknowledgement. workerd does not tell how much of it has left. */
  unacknowledged: number;
  /** It says what it has read, so it can be made to wait. */
  acknowledges: boolean;
  /** Since when its window has been full, epoch milliseconds. */
  stalled: number | null;
}

export interface ViewerOptions extends Pick<Viewer, 'plain' | 'acknowledges'> {
  /** Its cursor; null: only what comes from now on. */
  readonly after: number | null;
}

const TAG = 'viewer';

const isOwn = (type: string) => OWN_PREFIXES.some((prefix) => type.startsWith(prefix));

/** Fans a session's log out to the WebSockets that watch it. Each has a cursor; the log is the queue. */
export class Viewers {
  readonly #ctx: DurableObjectState;
  readonly #log: EventLog;
  readonly #interactions: InteractionTable;
  /** Of each viewer: after which `seq` how much had been sent, so that an acknowledgement frees just that. */
  readonly #sent = new WeakMap<WebSocket, { seq: number; size: number }[]>();

  constructor(ctx: DurableObjectState, log: EventLog, interactions: InteractionTable) {
    this.#ctx = ctx;
    this.#log = log;
    this.#interactions = interactions;
  }

  /** Takes a socket in and sends what is stored after its cursor. */
  attach(socket: WebSocket, { after, plain, acknowledges }: ViewerOptions): void {
    this.#ctx.acceptWebSocket(socket, [TAG]);
    const last = this.#log.last();
    const first = this.#log.first();
    const viewer: Viewer = {
      kind: 'viewer',
      plain,
      cursor: after ?? last,
      unacknowledged: 0,
      acknowledges,
      stalled: null,
    };
    if (viewer.cursor < first - 1) {
      socket.send(this.#gap(viewer, first));
      viewer.cursor = first - 1;
    }
    if (after === null) this.#sendOpen(socket, plain);
    this.#pump(socket, viewer);
  }

  /**
   * Shows who comes without a cursor what waits for an answer. It does not count as sent: there is little of it at once
   * (`MAX_OPEN`, each of at most `MAX_SHOWN_INPUT`), and it is no part of what the cursor passes over.
   */
  #sendOpen(socket: WebSocket, isPlain: boolean): void {
    for (const seq of this.#interactions.openedAt()) {
      const opened = this.#log.read(seq - 1, 1, BATCH_BYTES).filter((event) => event.seq === seq);
      for (const event of opened) socket.send(isPlain ? plain(event) : batch([event]));
    }
  }

  /** Sends what has just been said: events that have just been stored, with the previews between them. */
  publish(shown: readonly Shown[]): void {
    if (shown.length === 0) return;
    const stored = shown.filter((one) => 'seq' in one);
    const before = (stored[0]?.seq ?? this.#log.last() + 1) - 1;
    const last = stored.at(-1)?.seq ?? before;
    let frame: string | null = null;
    for (const [socket, viewer] of this.#all()) {
      if (viewer.cursor !== before) {
        // It is behind, so it gets what it lacks from the log; previews are for those who keep up.
        this.#pump(socket, viewer);
      } else if (this.#mayReceive(socket, viewer)) {
        if (viewer.plain) {
          for (const one of shown) this.#send(socket, viewer, plain(one), 'seq' in one ? one.seq : viewer.cursor);
        } else {
          frame ??= batch(shown);
          this.#send(socket, viewer, frame, last);
        }
        this.#keep(socket, viewer);
      }
    }
  }

  acknowledge(socket: WebSocket, seq: number): void {
    const viewer = this.#viewer(socket);
    if (viewer === null) return;
    const sent = (this.#sent.get(socket) ?? []).filter((entry) => entry.seq > seq);
    this.#sent.set(socket, sent);
    viewer.acknowledges = true;
    viewer.unacknowledged = sent.reduce((sum, { size }) => sum + size, 0);
    viewer.stalled = null;
    this.#pump(socket, viewer);
  }

  /** Closes those who have left their window full for too long. */
  closeStalled(now: number): void {
    for (const [socket, viewer] of this.#all()) {
      if (viewer.stalled !== null && now >= viewer.stalled + STALL_MS) this.#tooSlow(socket);
    }
  }

  /** When `closeStalled` has to be called next. */
  nextStall(): number | null {
    const times = this.#all().flatMap(([, { stalled }]) => (stalled === null ? [] : [stalled + STALL_MS]));
    return times.length === 0 ? null : Math.min(...times);
  }

  closeAll(code: number, reason: string): void {
    for (const [socket] of this.#all()) socket.close(code, reason);
  }

  #all(): [WebSocket, Viewer][] {
    return this.#ctx.getWebSockets(TAG).flatMap((socket): [WebSocket, Viewer][] => {
      const viewer = this.#viewer(socket);
      return viewer === null ? [] : [[socket, viewer]];
    });
  }

  #viewer(socket: WebSocket): Viewer | null {
    if (socket.readyState !== WebSocket.OPEN) return null;
    const viewer = socket.deserializeAttachment() as Viewer | null;
    return viewer?.kind === 'viewer' ? viewer : null;
  }

  #keep(socket: WebSocket, viewer: Viewer): void {
    socket.serializeAttachment(viewer);
  }

  /** Sends what is stored after the viewer's cursor, as far as it may be sent more. */
  #pump(socket: WebSocket, viewer: Viewer): void {
    for (;;) {
      const events = this.#log.read(viewer.cursor, BATCH_EVENTS, BATCH_BYTES);
      const last = events.at(-1);
      if (last === undefined) break;
      if (!this.#mayReceive(socket, viewer)) break;
      if (viewer.plain) {
        for (const event of events) this.#send(socket, viewer, plain(event), event.seq);
      } else {
        this.#send(socket, viewer, batch(events), last.seq);
      }
    }
    this.#keep(socket, viewer);
  }

  #mayReceive(socket: WebSocket, viewer: Viewer): boolean {
    if (viewer.acknowledges && viewer.unacknowledged >= WINDOW) {
      viewer.stalled ??= Date.now();
      this.#keep(socket, viewer);
      return false;
    }
    if (viewer.unacknowledged < LIMIT) return true;
    this.#tooSlow(socket);
    return false;
  }

  #send(socket: WebSocket, viewer: Viewer, frame: string, seq: number): void {
    socket.send(frame);
    viewer.cursor = seq;
    viewer.unacknowledged += frame.length;
    const sent = this.#sent.get(socket) ?? [];
    const last = sent.at(-1);
    if (last?.seq === seq) last.size += frame.length;
    else sent.push({ seq, size: frame.length });
    this.#sent.set(socket, sent);
  }

  #tooSlow(socket: WebSocket): void {
    socket.close(CloseCode.tooSlow, 'come back with ?after= the last seq that you have');
  }

  #gap(viewer: Viewer, first: number): string {
    const data = { from: viewer.cursor + 1, to: first - 1 };
    const gap = { time: new Date().toISOString(), type: 'session.gap', data };
    return JSON.stringify(viewer.plain ? { type: gap.type, ...data } : [gap]);
  }
}

function batch(shown: readonly Shown[]): string {
  return `[${shown.map((one) => ('seq' in one ? envelopeJson(one) : previewJson(one))).join(',')}]`;
}

function plain(one: Shown): string {
  return 'seq' in one ? plainJson(one, isOwn(one.type)) : one.preview;
}
