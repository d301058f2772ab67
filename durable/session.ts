import { DurableObject } from 'cloudflare:workers';
import { CloseCode } from '../protocol/close-code.ts';
import { edgeSettings, type EdgeSettings } from '../protocol/edge-settings.ts';
import type { InterruptAnswer, MessageView } from '../protocol/message.ts';
import type { Refusal } from '../protocol/problem.ts';
import type { Reason } from '../protocol/reason.ts';
import type { Launch } from '../protocol/runner-control.ts';
import type { CreateSessionRequest, SessionStatus } from '../protocol/session.ts';
import { dataFrame, type DataFrame, type HostFrame } from '../protocol/host-notice.ts';
import type { SessionFrame, WrapperFrame } from '../protocol/wrapper-link.ts';
import { nextDeadline } from './core/session-machine.ts';
import { ALLOWED, type Limits } from './core/session-state.ts';
import { CommandTable } from './command-table.ts';
import { DEFAULT_POOL, type EdgeEnv } from './edge-env.ts';
import { envelopeJson, EventLog } from './event-log.ts';
import { EventStreams } from './event-stream.ts';
import { parseJson } from './json.ts';
import { MessageTable } from './message-table.ts';
import { SessionDraft } from './session-draft.ts';
import { newRecord, RecordTable, type ContainerFacts, type SessionRecord } from './session-record.ts';
import { mintSessionToken } from './session-token.ts';
import { summaryOf, viewOf, type StoredSessionView, type VersionedSummary } from './session-views.ts';
import { Viewers } from './viewers.ts';
import { ViewerSocket } from './viewer-socket.ts';

/** Messages that may wait in one session. */
const MAX_QUEUE = 1000;
/** After a call to another object has failed, milliseconds until it is tried again. */
const RETRY_MS = 1000;

/** How far the owner's list may lag behind a session that works, milliseconds. */
const LIST_LAG_MS = 250;

const DATA_TAG = 'data';
const GONE: Refusal = { refused: 'session_not_found', detail: 'There is no session with this id, or it is not yours.' };

export interface PromptInput {
  readonly message_id: string;
  readonly prompt: string;
  readonly timeout_seconds: number | undefined;
  readonly idempotency_key: string | undefined;
}

/** What a container says: lines to store, and previews. */
type SaidFrame = Extract<WrapperFrame, { kind: 'items' | 'preview' }>;

/** What a container's data socket is good for. */
interface DataAttachment {
  readonly kind: 'data';
  readonly epoch: number;
}

/**
 * One session: its log, its messages, its container's link and those who watch it. All state and all ordering are here;
 * what it decides, it decides in `core/`.
 */
export class Session extends DurableObject<EdgeEnv> {
  readonly #settings: EdgeSettings;
  readonly #limitsBase: Omit<Limits, 'lifetime'>;
  readonly #records: RecordTable;
  readonly #log: EventLog;
  readonly #messages: MessageTable;
  readonly #commands: CommandTable;
  readonly #viewers: Viewers;
  readonly #streams: EventStreams;
  readonly #viewerSocket: ViewerSocket;
  readonly #waiters = new Map<string, Set<() => void>>();
  #record: SessionRecord | null;
  #seq: number;
  #alarmAt: number | null = null;
  /** A call to the pool, or to the directory, is under way. */
  readonly #telling = { pool: false, directory: false };
  /** Such a call has failed, and is to be made again. */
  #failed = false;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#settings = edgeSettings.parse(env);
    this.#limitsBase = {
      startup: this.#settings.CONTAINER_STARTUP_TIMEOUT * 1000,
      idle: this.#settings.CONTAINER_IDLE_TIMEOUT * 1000,
    };
    const { sql } = ctx.storage;
    this.#records = new RecordTable(sql);
    this.#log = new EventLog(sql);
    this.#messages = new MessageTable(sql);
    this.#commands = new CommandTable(sql);
    this.#record = this.#records.load();
    this.#seq = this.#log.last();
    this.#viewers = new Viewers(ctx, this.#log);
    this.#streams = new EventStreams(this.#log);
    this.#viewerSocket = new ViewerSocket({
      viewers: this.#viewers,
      prompt: (input) => this.#prompt(input),
      interrupt: () => this.#interrupt(),
    });
  }

  /** Begins the session and asks for its container. The same id again changes nothing. */
  create(
    sessionId: string,
    owner: string,
    request: CreateSessionRequest,
  ): { view: StoredSessionView; listed: VersionedSummary } {
    if (this.#record === null) {
      const record = newRecord({ session_id: sessionId, owner, created: Date.now(), request });
      this.#record = record;
      this.#change((draft) => draft.input({ on: 'created' }));
    }
    return { view: this.#view(), listed: summaryOf(this.#current()) };
  }

  show(owner: string): StoredSessionView | Refusal {
    return this.#owned(owner) ? this.#view() : GONE;
  }

  chat(owner: string, input: PromptInput): { message_id: string } | Refusal {
    return this.#owned(owner) ? this.#prompt(input) : GONE;
  }

  message(owner: string, messageId: string): MessageView | Refusal {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const view = this.#messages.view(record.identity.session_id, messageId);
    return view ?? { refused: 'message_not_found', detail: 'This session has no message with this id.' };
  }

  /** Resolves once the message has ended. */
  async awaitMessage(owner: string, messageId: string): Promise<MessageView | Refusal> {
    for (;;) {
      const view = this.message(owner, messageId);
      if ('refused' in view || view.finished_at !== null) return view;
      await new Promise<void>((resolve) => {
        const waiters = this.#waiters.get(messageId) ?? new Set();
        waiters.add(resolve);
        this.#waiters.set(messageId, waiters);
      });
    }
  }

  interrupt(owner: string): InterruptAnswer | Refusal {
    return this.#owned(owner) ? this.#interrupt() : GONE;
  }

  stop(owner: string): { session_id: string; status: SessionStatus } | Refusal {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const detail = 'Stopped by its owner. The next message wakes it.';
    if (ALLOWED[record.state.status].has('stop')) {
      this.#change((draft) => draft.input({ on: 'stop', reason: { code: 'stopped_by_user', detail } }));
    }
    return { session_id: record.identity.session_id, status: this.#current().state.status };
  }

  /** Ends the session and removes all that it stored, here and on its runner. May be called again until it succeeds. */
  async delete(owner: string): Promise<{ deleted: true } | Refusal> {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const { session_id } = record.identity;
    await this.#pool().forget(session_id);
    await this.#directory().remove(session_id);
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#record = null;
    const reason = 'the session was deleted';
    for (const socket of this.ctx.getWebSockets()) socket.close(CloseCode.notFound, reason);
    for (const waiters of this.#waiters.values()) for (const wake of waiters) wake();
    this.#waiters.clear();
    return { deleted: true };
  }

  /** A page of the log as JSON text `{"data":[…],"next_cursor":…}`, events as they were stored. */
  events(owner: string, after: number, limit: number): { json: string } | Refusal {
    if (!this.#owned(owner)) return GONE;
    const events = this.#log.read(after, limit, 4 * 1024 * 1024);
    const last = events.at(-1)?.seq ?? after;
    const next = last < this.#seq ? `"${last}"` : 'null';
    const first = this.#log.first();
    const gap = after < first - 1 ? `,"gap":{"from":${after + 1},"to":${first - 1}}` : '';
    return {
      json: `{"data":[${events.map(envelopeJson).join(',')}],"next_cursor":${next},"last_seq":${this.#seq}${gap}}`,
    };
  }

  /** The pool has sent the launch to a runner. */
  placed(epoch: number): void {
    this.#told({ on: 'placed', epoch });
  }

  /** The pool has no place yet. */
  waiting(epoch: number, reason: Reason): void {
    this.#told({ on: 'waiting', epoch, reason });
  }

  /** The container of `epoch` runs. */
  started(epoch: number, container: ContainerFacts): void {
    if (this.#record === null || epoch !== this.#record.state.epoch) return;
    this.#change((draft) => {
      draft.record = { ...draft.record, container };
    });
  }

  /** The container of `epoch` is gone, and all that it said is stored. */
  ended(epoch: number, reason: Reason): void {
    this.#told({ on: 'ended', epoch, reason });
  }

  /**
   * Sockets and streams. Reached from `functions/` alone, which has checked whose session it is:
   * `/viewer?after=&plain=&acks=`, `/events?after=`, `/data?epoch=`.
   */
  override fetch(request: Request): Response {
    const url = new URL(request.url);
    if (url.pathname === '/events') {
      const after = Number(url.searchParams.get('after') ?? 0);
      const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
      return new Response(this.#streams.open(after), { headers });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    if (url.pathname === '/data') this.#acceptData(server, Number(url.searchParams.get('epoch')));
    else {
      const after = url.searchParams.get('after');
      this.#viewers.attach(server, {
        after: after === null ? null : Number(after),
        plain: url.searchParams.get('plain') === '1',
        acknowledges: url.searchParams.get('acks') === '1',
      });
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const attachment = socket.deserializeAttachment() as { kind: string } | null;
    if (attachment?.kind !== 'data') return this.#viewerSocket.receive(socket, message);
    if (socket.readyState !== WebSocket.OPEN) return;
    const frames = parseFrames(message);
    if (frames === null) return socket.close(CloseCode.badFrame, 'not frames of the wrapper link');
    this.#receive(socket, (attachment as DataAttachment).epoch, frames);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    // Answers the peer's close; 1005 and 1006 are not codes that may be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  override alarm(): void {
    this.#alarmAt = null;
    this.#failed = false;
    if (this.#record === null) return;
    this.#viewers.closeStalled(Date.now());
    this.#change((draft) => draft.input({ on: 'clock' }));
  }

  #current(): SessionRecord {
    if (this.#record === null) throw new Error('the session does not exist');
    return this.#record;
  }

  #owned(owner: string): SessionRecord | false {
    return this.#record !== null && this.#record.identity.owner === owner && this.#record;
  }

  #limits(record: SessionRecord): Limits {
    const lifetime = record.identity.request.config.timeout_seconds ?? this.#settings.CONTAINER_TIMEOUT_DEFAULT;
    return { ...this.#limitsBase, lifetime: lifetime * 1000 };
  }

  #view(): StoredSessionView {
    return viewOf(this.#current(), this.#seq);
  }

  #pool() {
    return this.env.RUNNER_POOL.get(this.env.RUNNER_POOL.idFromName(DEFAULT_POOL));
  }

  #directory() {
    return this.env.DIRECTORY.get(this.env.DIRECTORY.idFromName(this.#current().identity.owner));
  }

  #told(input: Parameters<SessionDraft['input']>[0]): void {
    // The pool may know of a session that has been deleted since.
    if (this.#record !== null) this.#change((draft) => draft.input(input));
  }

  #prompt(input: PromptInput): { message_id: string } | Refusal {
    const { state } = this.#current();
    const key = input.idempotency_key;
    const body = JSON.stringify([input.prompt, input.timeout_seconds ?? null]);
    if (key !== undefined) {
      const seen = this.#messages.byKey(key);
      if (seen !== null && seen.body === body) return { message_id: seen.id };
      if (seen !== null) {
        const detail = 'It came with another prompt before. Send a new key for a new message.';
        return { refused: 'idempotency_key_reused', detail };
      }
    }
    if (state.queue.length >= MAX_QUEUE) {
      return { refused: 'queue_full', detail: `${MAX_QUEUE} messages wait in this session already. Let some finish.` };
    }
    const { message_id, prompt, timeout_seconds } = input;
    this.#change((draft, now) => {
      this.#messages.add(message_id, prompt, now);
      if (key !== undefined) this.#messages.rememberKey(key, message_id, body);
      draft.emit({ type: 'message.queued', data: { message_id, prompt } });
      const deadline = timeout_seconds === undefined ? null : now + timeout_seconds * 1000;
      draft.input({ on: 'prompted', message: { message_id, deadline } });
    });
    return { message_id };
  }

  #interrupt(): InterruptAnswer {
    const { status, current } = this.#current().state;
    if (!ALLOWED[status].has('interrupt') || current === null) return { interrupted: false, message_id: null };
    this.#change((draft) => draft.input({ on: 'interrupt' }));
    return { interrupted: true, message_id: current.message_id };
  }

  /** Makes one change in one transaction; when it is committed, tells everyone whom it concerns. */
  #change<T>(work: (draft: SessionDraft, now: number) => T): T {
    const now = Date.now();
    const before = this.#current();
    const tables = { log: this.#log, messages: this.#messages, commands: this.#commands };
    const draft = new SessionDraft(before, this.#seq, tables, this.#limits(before), now);
    const result = this.ctx.storage.transactionSync(() => {
      const value = work(draft, now);
      if (draft.record !== before) this.#records.save(draft.record);
      return value;
    });
    const seq = this.#seq;
    this.#record = draft.record;
    this.#seq = draft.seq;
    this.#publish(draft, seq);
    this.#tell();
    this.#setAlarm();
    return result;
  }

  #publish(draft: SessionDraft, before: number): void {
    this.#viewers.publish(draft.shown);
    if (draft.seq > before) this.#streams.notify();
    for (const { number, command } of draft.commands) this.#send({ kind: 'command', number, command });
    for (const id of draft.finished) {
      for (const wake of this.#waiters.get(id) ?? []) wake();
      this.#waiters.delete(id);
    }
  }

  /** Brings the pool and the directory up to date; what fails is tried again by the alarm. */
  #tell(): void {
    const { pool, changes, told } = this.#current();
    if (pool !== null && !this.#telling.pool) this.ctx.waitUntil(this.#tellPool());
    if (told < changes && !this.#telling.directory) this.#tellDirectorySoon();
  }

  /** Turns come and go quickly: what a list shows may lag behind by a little, and a turn need not wait for it. */
  #tellDirectorySoon(): void {
    this.#telling.directory = true;
    const { status } = this.#current().state;
    const delay = status === 'idle' || status === 'running' ? LIST_LAG_MS : 0;
    setTimeout(() => this.ctx.waitUntil(this.#tellDirectory()), delay);
  }

  async #tellPool(): Promise<void> {
    const { pool: order, identity, state } = this.#current();
    if (order === null) return;
    this.#telling.pool = true;
    const key = { session_id: identity.session_id, epoch: state.epoch };
    try {
      if (order === 'want') {
        const token = await mintSessionToken(this.#settings.JWT_SECRET, key.session_id, key.epoch);
        const { config, workspace } = identity.request;
        const launch: Launch = { ...key, token, resume: key.epoch > 1, config, workspace };
        const answer = await this.#pool().want(launch);
        this.#settle(state.epoch, order, (draft) => {
          if (answer.placed) draft.input({ on: 'placed', epoch: key.epoch });
          else draft.input({ on: 'waiting', epoch: key.epoch, reason: answer.reason });
        });
      } else {
        const { ended } = await this.#pool().release(key);
        this.#settle(state.epoch, order, (draft) => {
          const reason: Reason = { code: 'stopped_by_user', detail: 'It had no container yet.' };
          if (ended) draft.input({ on: 'ended', epoch: key.epoch, reason });
        });
      }
    } catch (error) {
      return this.#retryLater('pool', error);
    } finally {
      this.#telling.pool = false;
    }
    if (this.#record !== null) this.#tell();
  }

  async #tellDirectory(): Promise<void> {
    const record = this.#record;
    if (record === null) return;
    try {
      await this.#directory().update(summaryOf(record));
      if (this.#record !== null) {
        this.#record = { ...this.#record, told: record.changes };
        this.#records.save(this.#record);
      }
    } catch (error) {
      return this.#retryLater('directory', error);
    } finally {
      this.#telling.directory = false;
    }
    if (this.#record !== null) this.#tell();
  }

  /** The pool has been told `order` of `epoch`, unless something else is to be told by now. */
  #settle(epoch: number, order: 'want' | 'release', then: (draft: SessionDraft) => void): void {
    if (this.#record === null) return;
    this.#change((draft) => {
      if (draft.record.state.epoch === epoch && draft.record.pool === order) {
        draft.record = { ...draft.record, pool: null };
      }
      then(draft);
    });
  }

  #retryLater(whom: string, error: unknown): void {
    console.error(`session: the ${whom} could not be told, trying again: ${String(error)}`);
    this.#failed = true;
    if (this.#record !== null) this.#setAlarm();
  }

  #setAlarm(): void {
    const record = this.#current();
    const times = [nextDeadline(record.state, this.#limits(record)), this.#viewers.nextStall()];
    // The pool is told at once, and this is for the case that it was not. The directory can wait for any alarm.
    if (record.pool !== null || this.#failed) times.push(Date.now() + RETRY_MS);
    const due = times.filter((time) => time !== null);
    if (due.length === 0) return;
    const next = Math.min(...due);
    // An alarm that comes too early only looks at the clock; setting one costs a write.
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(next));
  }

  #acceptData(socket: WebSocket, epoch: number): void {
    this.ctx.acceptWebSocket(socket, [DATA_TAG]);
    if (this.#record === null) return socket.close(CloseCode.notFound, 'there is no such session');
    if (epoch !== this.#record.state.epoch) return socket.close(CloseCode.staleEpoch, 'this epoch is over');
    for (const other of this.ctx.getWebSockets(DATA_TAG)) {
      if (other !== socket) other.close(CloseCode.replaced, 'another connection has taken this one’s place');
    }
    socket.serializeAttachment({ kind: 'data', epoch } satisfies DataAttachment);
  }

  #receive(socket: WebSocket, epoch: number, frames: readonly DataFrame[]): void {
    if (this.#record === null) return socket.close(CloseCode.notFound, 'there is no such session');
    if (epoch !== this.#record.state.epoch) return socket.close(CloseCode.staleEpoch, 'this epoch is over');
    const said: SaidFrame[] = [];
    for (const frame of frames) {
      if (frame.kind === 'items' || frame.kind === 'preview') said.push(frame);
      else if (frame.kind === 'host') this.#note(socket, frame);
      else if (frame.kind === 'taken') this.#commands.taken(epoch, frame.command);
      else if (frame.epoch === epoch) this.#welcome(socket, epoch, frame.taken);
      else return socket.close(CloseCode.badFrame, 'the epoch is not that of the token');
    }
    if (said.length > 0) this.#hear(socket, said);
  }

  #welcome(socket: WebSocket, epoch: number, taken: number): void {
    const { stored, host_stored } = this.#current().link;
    send(socket, { kind: 'welcome', stored });
    send(socket, { kind: 'host_ack', stored: host_stored });
    for (const { number, command } of this.#commands.after(epoch, taken)) {
      send(socket, { kind: 'command', number, command });
    }
  }

  /** Stores what the runner has to say itself. */
  #note(socket: WebSocket, { first, notices }: HostFrame): void {
    this.#change((draft) => draft.takeNotices(first, notices));
    send(socket, { kind: 'host_ack', stored: this.#current().link.host_stored });
  }

  /** Stores and shows what was said, all of one message at once. */
  #hear(socket: WebSocket, said: readonly SaidFrame[]): void {
    const whole = this.#change((draft) => {
      for (const frame of said) {
        if (frame.kind === 'preview') draft.preview(frame.line);
        else if (!draft.take(frame.first, frame.items)) return false;
      }
      return true;
    });
    const { stored } = this.#current().link;
    if (!whole) send(socket, { kind: 'resend', from: stored + 1 });
    else if (said.some(({ kind }) => kind === 'items')) send(socket, { kind: 'ack', stored });
  }

  #send(frame: SessionFrame): void {
    for (const socket of this.ctx.getWebSockets(DATA_TAG)) {
      if (socket.readyState === WebSocket.OPEN) send(socket, frame);
    }
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
