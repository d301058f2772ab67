import { BATCH_BYTES, BATCH_EVENTS } from '../../../protocol/settings/limits.ts';
import { CloseCode } from '../../../protocol/close-code.ts';
import { OWN_PREFIXES } from '../../../protocol/api/session/own-events.ts';
import type { ViewerAnswer } from '../../../protocol/api/session/viewer-socket.ts';
import { wordsOfScope, type Scope } from '../../../protocol/token.ts';
import { isRevokedBy, type Revocation } from '../../shared/tokens/revocation.ts';
import { count } from '../../rpc/telemetry/counts.ts';
import { utf8Bytes } from '../../shared/text/utf8-bytes.ts';
import type { InteractionTable } from '../store/tables/interaction-table.ts';
import { plainJson, type StreamItem } from '../core/shown.ts';
import type { EventLog } from '../store/tables/event-log.ts';
import { Batch } from './batch.ts';
import { closeIfExpired, type Viewer, type ViewerOptions } from './viewer.ts';

/** How much a viewer that acknowledges may leave unacknowledged before sending to it pauses, UTF-16 units. */
const WINDOW = 8 * 1024 * 1024;
/** How much a viewer that never acknowledges is sent before it has to reconnect with its cursor, UTF-16 units. */
const LIMIT = 32 * 1024 * 1024;
/** How long a viewer may leave its window full before it is disconnected, milliseconds. */
const STALL_MS = 60_000;

/**
 * A viewer that was sent nothing for this long gets a ping, milliseconds. Proxies close connections that look idle. A Worker
 * cannot send WebSocket's own ping, and a timer would keep the object in memory. So it is a frame, sent by the alarm.
 */
const PING_MS = 30_000;
/** Viewers that were sent nothing for this long get their ping with others, so that one alarm serves all of them. */
const PING_WITH_OTHERS_MS = PING_MS / 2;
const PING = JSON.stringify({ type: 'ping' } satisfies ViewerAnswer);

const TAG = 'viewer';

const isOwn = (type: string) => OWN_PREFIXES.some((prefix) => type.startsWith(prefix));

/** Sends a session's log to the WebSockets that watch it. Each viewer has a cursor; the log itself is its queue. */
export class Viewers {
  readonly #ctx: DurableObjectState;
  readonly #log: EventLog;
  readonly #interactions: InteractionTable;
  /** Each viewer's unacknowledged sizes by `seq`, so that an acknowledgement frees exactly what it covers. */
  readonly #sent = new WeakMap<WebSocket, { seq: number; size: number }[]>();
  /** What is known of each viewer, as long as the object is in memory: to read an attachment costs more than to send a line. */
  readonly #known = new WeakMap<WebSocket, Viewer>();

  constructor(ctx: DurableObjectState, log: EventLog, interactions: InteractionTable) {
    this.#ctx = ctx;
    this.#log = log;
    this.#interactions = interactions;
  }

  /** Those that are connected. */
  get count(): number {
    return this.#ctx.getWebSockets(TAG).filter(({ readyState }) => readyState === WebSocket.OPEN).length;
  }

  /** Adds a socket as a viewer, and sends it the stored events after its cursor. */
  attach(
    socket: WebSocket,
    { after, plain, acknowledges, expires, scopes, jti, issued, of, address, traceparent }: ViewerOptions,
  ): void {
    this.#ctx.acceptWebSocket(socket, [TAG]);
    const last = this.#log.last();
    const viewer: Viewer = {
      kind: 'viewer',
      plain,
      cursor: after ?? last,
      unacknowledged: 0,
      acknowledges,
      stalled: null,
      sent_at: Date.now(),
      expires,
      scopes,
      ...(jti !== undefined && { jti }),
      ...(issued !== undefined && { issued }),
      ...(of !== undefined && { of }),
      ...(address !== undefined && { address }),
      ...(traceparent !== undefined && { traceparent }),
    };
    if (after === null) this.#sendOpen(socket, plain);
    this.#catchUp(socket, viewer);
  }

  /**
   * Sends the open interactions to a viewer that connects without a cursor. They do not count as sent: they are few and
   * small (`MAX_OPEN`, each of at most `MAX_SHOWN_INPUT`), and the cursor does not move past them.
   */
  #sendOpen(socket: WebSocket, isPlain: boolean): void {
    for (const seq of this.#interactions.openedAt()) {
      const opened = this.#log.read(seq - 1, 1, BATCH_BYTES).filter((event) => event.seq === seq);
      for (const event of opened) socket.send(isPlain ? plain(event) : new Batch([event], seq - 1).frame);
    }
  }

  /** Sends the events that have just been stored, with the previews between them. @returns whether anybody is connected */
  publish(batch: Batch): boolean {
    const now = Date.now();
    const all = this.#all();
    let bytes = 0;
    for (const [socket, viewer] of all) {
      if (closeIfExpired(socket, viewer, now)) continue;
      if (viewer.cursor !== batch.before) {
        // The viewer is behind, so it gets the missing events from the log. Only viewers that keep up get previews.
        this.#catchUp(socket, viewer);
      } else if (this.#mayReceive(socket, viewer)) {
        if (viewer.plain) {
          for (const one of batch.items)
            bytes += this.#send(socket, viewer, plain(one), 'seq' in one ? one.seq : viewer.cursor);
        } else {
          bytes += this.#send(socket, viewer, batch.frame, batch.last, batch.frameBytes);
        }
        // Previews move no cursor. What else they change matters only while the object is in memory.
        if (batch.hasEvents) this.#save(socket, viewer);
      }
    }
    countBytes(bytes);
    return all.length > 0;
  }

  acknowledge(socket: WebSocket, seq: number): void {
    const viewer = this.#viewer(socket);
    if (viewer === null) return;
    const sent = (this.#sent.get(socket) ?? []).filter((entry) => entry.seq > seq);
    this.#sent.set(socket, sent);
    viewer.acknowledges = true;
    viewer.unacknowledged = sent.reduce((sum, { size }) => sum + size, 0);
    viewer.stalled = null;
    this.#catchUp(socket, viewer);
  }

  /** Where the viewer is; null: it is not known. */
  addressOf(socket: WebSocket): string | null {
    return this.#viewer(socket)?.address ?? null;
  }

  /** The `traceparent` that its connection came with; undefined: none. */
  traceOf(socket: WebSocket): string | undefined {
    return this.#viewer(socket)?.traceparent;
  }

  /** Whether the viewer's token has a scope. */
  mayUse(socket: WebSocket, scope: Scope): boolean {
    return wordsOfScope(this.#viewer(socket)?.scopes ?? '').scopes.includes(scope);
  }

  /** Disconnects a viewer whose token has expired. Called before anything that it sends is read. True: it is disconnected. */
  closeIfExpired(socket: WebSocket, now: number): boolean {
    const viewer = this.#viewer(socket);
    return viewer !== null && closeIfExpired(socket, viewer, now);
  }

  /** Disconnects the viewers whose token is revoked. */
  endRevoked(what: Revocation, owner: string): void {
    for (const [socket, { jti = null, issued = null, of }] of this.#all()) {
      if (!isRevokedBy(what, { jti, sub: owner, issued, of })) continue;
      socket.close(CloseCode.unauthorized, 'the token has been revoked');
    }
  }

  /**
   * What is due by time: disconnects viewers whose token has expired, and those that have left their window full for too
   * long. Sends pings.
   */
  clock(now: number): void {
    for (const [socket, viewer] of this.#all()) {
      if (closeIfExpired(socket, viewer, now)) continue;
      if (viewer.stalled !== null && now >= viewer.stalled + STALL_MS) this.#closeSlow(socket);
    }
    const open = this.#all();
    if (!open.some(([, { sent_at }]) => now >= sent_at + PING_MS)) return;
    for (const [socket, viewer] of open) {
      if (now < viewer.sent_at + PING_WITH_OTHERS_MS) continue;
      socket.send(PING);
      this.#save(socket, { ...viewer, sent_at: now });
    }
  }

  /** When `clock` has to be called next, epoch milliseconds; null: nobody watches. */
  nextDue(): number | null {
    const times = this.#all().flatMap(([, { stalled, sent_at, expires }]) => [
      sent_at + PING_MS,
      expires,
      ...(stalled === null ? [] : [stalled + STALL_MS]),
    ]);
    return times.length === 0 ? null : Math.min(...times);
  }

  #all(): [WebSocket, Viewer][] {
    return this.#ctx.getWebSockets(TAG).flatMap((socket): [WebSocket, Viewer][] => {
      const viewer = this.#viewer(socket);
      return viewer === null ? [] : [[socket, viewer]];
    });
  }

  #viewer(socket: WebSocket): Viewer | null {
    if (socket.readyState !== WebSocket.OPEN) return null;
    const viewer = this.#known.get(socket) ?? (socket.deserializeAttachment() as Viewer | null);
    if (viewer?.kind === 'viewer') this.#known.set(socket, viewer);
    return viewer?.kind === 'viewer' ? viewer : null;
  }

  #save(socket: WebSocket, viewer: Viewer): void {
    this.#known.set(socket, viewer);
    socket.serializeAttachment(viewer);
  }

  /** Sends the stored events after the viewer's cursor, until the viewer may not receive more. */
  #catchUp(socket: WebSocket, viewer: Viewer): void {
    let bytes = this.#skipPruned(socket, viewer);
    for (;;) {
      const events = this.#log.read(viewer.cursor, BATCH_EVENTS, BATCH_BYTES);
      const last = events.at(-1);
      if (last === undefined) break;
      if (!this.#mayReceive(socket, viewer)) break;
      if (viewer.plain) {
        for (const event of events) bytes += this.#send(socket, viewer, plain(event), event.seq);
      } else {
        const batch = new Batch(events, viewer.cursor);
        bytes += this.#send(socket, viewer, batch.frame, last.seq, batch.frameBytes);
      }
    }
    countBytes(bytes);
    this.#save(socket, viewer);
  }

  #mayReceive(socket: WebSocket, viewer: Viewer): boolean {
    if (viewer.acknowledges && viewer.unacknowledged >= WINDOW) {
      viewer.stalled ??= Date.now();
      this.#save(socket, viewer);
      return false;
    }
    if (viewer.unacknowledged < LIMIT) return true;
    this.#closeSlow(socket);
    return false;
  }

  /** @returns how many bytes it sends */
  #send(socket: WebSocket, viewer: Viewer, frame: string, seq: number, bytes = utf8Bytes(frame)): number {
    socket.send(frame);
    viewer.cursor = seq;
    viewer.sent_at = Date.now();
    viewer.unacknowledged += frame.length;
    const sent = this.#sent.get(socket) ?? [];
    const last = sent.at(-1);
    if (last?.seq === seq) last.size += frame.length;
    else sent.push({ seq, size: frame.length });
    this.#sent.set(socket, sent);
    return bytes;
  }

  #closeSlow(socket: WebSocket): void {
    socket.close(CloseCode.tooSlow, 'come back with ?after= the last seq that you have');
  }

  /**
   * Says that events after the viewer's cursor are pruned, if they are. Also one that is slow can be overtaken by that.
   *
   * @returns how many bytes it sends
   */
  #skipPruned(socket: WebSocket, viewer: Viewer): number {
    const first = this.#log.first();
    if (viewer.cursor >= first - 1) return 0;
    const data = { from: viewer.cursor + 1, to: first - 1 };
    const gap = { time: new Date().toISOString(), type: 'session.gap', data };
    return this.#send(socket, viewer, JSON.stringify(viewer.plain ? { type: gap.type, ...data } : [gap]), first - 1);
  }
}

/** Of all viewers together: to write the metric's name for each costs as much as to send to one. */
function countBytes(bytes: number): void {
  if (bytes > 0) count('cc_docker_viewer_bytes_total', { transport: 'websocket' }, bytes);
}

function plain(one: StreamItem): string {
  if ('seq' in one) return plainJson(one, isOwn(one.type));
  return one.type === undefined ? one.preview : plainJson({ type: one.type, json: one.preview }, true);
}
