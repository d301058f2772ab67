import { DurableObject } from 'cloudflare:workers';
import { CloseCode } from '../protocol/close-code.ts';
import { edgeSettings } from '../protocol/edge-settings.ts';
import { filesRequest, type FilesRefusal } from '../protocol/files.ts';
import type { InteractionState, InteractionView, ResolveRequest } from '../protocol/interaction.ts';
import type { InterruptAnswer, MessageView } from '../protocol/message.ts';
import type { Refusal } from '../protocol/problem.ts';
import type { Reason } from '../protocol/reason.ts';
import type { SnapshotReport } from '../protocol/runner-control.ts';
import type { CreateSessionRequest, SessionStatus } from '../protocol/session.ts';
import type { SnapshotView } from '../protocol/workspace.ts';
import { ContainerLink } from './container-link.ts';
import type { Beginning } from './core/session-files.ts';
import { viewOf as interactionViewOf } from './core/interactions.ts';
import { nextDeadline } from './core/session-machine.ts';
import { ALLOWED } from './core/session-state.ts';
import type { EdgeEnv } from './edge-env.ts';
import { envelopeJson } from './event-log.ts';
import { EventStreams } from './event-stream.ts';
import { SessionCore } from './session-core.ts';
import type { SessionDraft } from './session-draft.ts';
import { SessionFilesDesk } from './session-files.ts';
import { turnOverMaximum } from './session-limits.ts';
import { SessionOutreach } from './session-outreach.ts';
import type { ContainerFacts, SessionRecord } from './session-record.ts';
import { SessionSnapshots } from './session-snapshots.ts';
import { summaryOf, viewOf, type StoredSessionView, type VersionedSummary } from './session-views.ts';
import type { SnapshotPage } from './snapshot-table.ts';
import { refusalResponse } from './transfer-answer.ts';
import { Transfers } from './transfers.ts';
import { Viewers } from './viewers.ts';
import { ViewerSocket } from './viewer-socket.ts';
import { Waiters } from './waiters.ts';

/** Messages that may wait in one session. */
const MAX_QUEUE = 1000;
/** Characters of a page of events. */
const PAGE_SIZE = 4 * 1024 * 1024;

const DAY_MS = 86_400_000;

const NOT_ASKED: Refusal = {
  refused: 'interaction_not_found',
  detail: 'This session has asked nothing with this id.',
};

const GONE: Refusal = { refused: 'session_not_found', detail: 'There is no session with this id, or it is not yours.' };

export interface PromptInput {
  readonly message_id: string;
  readonly prompt: string;
  readonly timeout_seconds: number | undefined;
  readonly idempotency_key: string | undefined;
}

/**
 * One session: its log, its messages, its container's link and those who watch it. All state and all ordering are here;
 * what it decides, it decides in `core/`. This class is what others can ask of it; the parts do the work.
 */
export class Session extends DurableObject<EdgeEnv> {
  readonly #core: SessionCore;
  readonly #link: ContainerLink;
  readonly #outreach: SessionOutreach;
  readonly #files: SessionFilesDesk;
  readonly #snapshots: SessionSnapshots;
  readonly #viewers: Viewers;
  readonly #streams: EventStreams;
  readonly #viewerSocket: ViewerSocket;
  readonly #transfers: Transfers;
  /** Calls that wait for a message to end. */
  readonly #waiters = new Waiters();
  #alarmAt: number | null = null;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    const settings = edgeSettings.parse(env);
    this.#core = new SessionCore(ctx.storage, settings, (draft, before) => this.#changed(draft, before));
    this.#link = new ContainerLink(ctx, this.#core);
    this.#outreach = new SessionOutreach(ctx, env, this.#core, () => this.#setAlarm());
    this.#files = new SessionFilesDesk(this.#core, this.#outreach);
    this.#snapshots = new SessionSnapshots(ctx, this.#core, this.#outreach, () => this.#setAlarm());
    this.#transfers = new Transfers(this.#files);
    this.#viewers = new Viewers(ctx, this.#core.log, this.#core.interactions);
    this.#streams = new EventStreams(this.#core.log);
    this.#viewerSocket = new ViewerSocket({
      viewers: this.#viewers,
      prompt: (input) => this.#prompt(input),
      interrupt: () => this.#interrupt(),
      resolve: (id, request) => this.#resolve(id, request),
    });
    this.#files.recover();
  }

  /** Begins the session and asks for its container. The same id again changes nothing. */
  create(
    sessionId: string,
    owner: string,
    request: CreateSessionRequest,
    beginning: Beginning,
  ): { view: StoredSessionView; listed: VersionedSummary } {
    if (this.#core.record === null) {
      const forked_from = beginning.fork_of;
      this.#core.begin({ session_id: sessionId, owner, created: Date.now(), request, forked_from }, beginning);
    }
    return { view: this.#view(), listed: summaryOf(this.#core.current) };
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
    const view = this.#core.messages.view(record.identity.session_id, messageId);
    return view ?? { refused: 'message_not_found', detail: 'This session has no message with this id.' };
  }

  /** Takes a message and resolves once it has ended. May be called again with the same `message_id`. */
  async ask(owner: string, input: PromptInput): Promise<MessageView | Refusal> {
    const accepted = this.chat(owner, input);
    if ('refused' in accepted) return accepted;
    const messageId = accepted.message_id;
    for (;;) {
      const view = this.message(owner, messageId);
      if ('refused' in view || view.finished_at !== null) return view;
      await this.#waiters.wait(messageId);
    }
  }

  interrupt(owner: string): InterruptAnswer | Refusal {
    return this.#owned(owner) ? this.#interrupt() : GONE;
  }

  /** What people are and were asked, the oldest first; `cursor` is the id of the last of the page before. */
  interactions(
    owner: string,
    state: InteractionState | undefined,
    limit: number,
    cursor: string | undefined,
  ): { data: InteractionView[]; next_cursor: string | null } | Refusal {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const page = this.#core.interactions.page(state, limit, cursor);
    const data = page.data.map((one) => interactionViewOf(one, record.identity.session_id));
    return { data, next_cursor: page.next_cursor };
  }

  interaction(owner: string, id: string): InteractionView | Refusal {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const found = this.#core.interactions.get(id);
    return found === null ? NOT_ASKED : interactionViewOf(found, record.identity.session_id);
  }

  /** Answers. The first answer wins: the same again changes nothing, another is refused. */
  resolve(owner: string, id: string, request: ResolveRequest): InteractionView | Refusal {
    return this.#owned(owner) ? this.#resolve(id, request) : GONE;
  }

  stop(owner: string): { session_id: string; status: SessionStatus } | Refusal {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const detail = 'Stopped by its owner. The next message wakes it.';
    if (ALLOWED[record.state.status].has('stop')) {
      this.#core.change((draft) => draft.input({ on: 'stop', reason: { code: 'stopped_by_user', detail } }));
    }
    return { session_id: record.identity.session_id, status: this.#core.current.state.status };
  }

  /** Ends the session and removes all that it stored, here and on its runner. May be called again until it succeeds. */
  async delete(owner: string): Promise<{ deleted: true } | Refusal> {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const { session_id } = record.identity;
    await this.#outreach.pool.forget(session_id);
    await this.#outreach.directory.remove(session_id);
    await this.#core.erase();
    for (const socket of this.ctx.getWebSockets()) socket.close(CloseCode.notFound, 'the session was deleted');
    this.#streams.end();
    this.#transfers.end();
    this.#waiters.wakeAll();
    this.#snapshots.changed();
    return { deleted: true };
  }

  /** A page of the log as JSON text `{"data":[…],"next_cursor":…}`, events as they were stored. */
  events(owner: string, after: number, limit: number): { json: string } | Refusal {
    if (!this.#owned(owner)) return GONE;
    const { log, seq } = this.#core;
    const events = log.read(after, limit, PAGE_SIZE);
    const last = events.at(-1)?.seq ?? after;
    const next = last < seq ? `"${last}"` : 'null';
    const first = log.first();
    const gap = after < first - 1 ? `,"gap":{"from":${after + 1},"to":${first - 1}}` : '';
    return { json: `{"data":[${events.map(envelopeJson).join(',')}],"next_cursor":${next},"last_seq":${seq}${gap}}` };
  }

  /** Asks for a snapshot; `id` becomes its own, unless there is one already of just how the files are. */
  async requestSnapshot(owner: string, id: string): Promise<SnapshotView | Refusal> {
    return this.#owned(owner) ? this.#snapshots.request(id, 'requested') : GONE;
  }

  async listSnapshots(owner: string, cursor: string | undefined, limit: number): Promise<SnapshotPage | Refusal> {
    return this.#owned(owner) ? this.#snapshots.list(cursor, limit) : GONE;
  }

  async snapshot(owner: string, id: string): Promise<SnapshotView | Refusal> {
    return this.#owned(owner) ? this.#snapshots.show(id) : GONE;
  }

  /** What a fork of this session begins with, once that is stored: the snapshot `named`, or one of now (`id`). */
  async forkSource(
    owner: string,
    id: string,
    named: string | undefined,
  ): Promise<{ request: CreateSessionRequest; snapshot_id: string } | Refusal> {
    const record = this.#owned(owner);
    if (!record) return GONE;
    const source = await this.#snapshots.forFork(id, named);
    if ('refused' in source) return source;
    const { config } = record.identity.request;
    return { request: { workspace: { type: 'ephemeral', snapshot: source.snapshot_id }, config }, ...source };
  }

  /** A runner tells what has become of a snapshot. */
  snapshotted(report: SnapshotReport): void {
    this.#told((draft) => draft.report(report));
  }

  /** The pool has sent the launch to a runner. */
  placed(epoch: number, runner: string): void {
    this.#told((draft) => draft.placed(epoch, runner));
  }

  /** The pool has no place yet. */
  waiting(epoch: number, reason: Reason): void {
    this.#told((draft) => draft.input({ on: 'waiting', epoch, reason }));
  }

  /** The container of `epoch` runs. */
  started(epoch: number, runner: string, container: ContainerFacts): void {
    this.#told((draft) => {
      if (epoch !== draft.record.state.epoch) return;
      draft.record = { ...draft.record, container };
      draft.files({ on: 'placed', runner });
    });
  }

  /** The container of `epoch` is gone, and all that it said is stored. */
  ended(epoch: number, reason: Reason, runner: string): void {
    this.#told((draft) => draft.ended(epoch, reason, runner));
  }

  /** The runner that a transfer was ordered of says that it does not come. */
  transferRefused(transferId: string, refusal: FilesRefusal): void {
    this.#transfers.refused(transferId, refusal);
  }

  /**
   * Sockets and streams. Reached from `functions/` alone, which has checked whose session it is:
   * `/viewer?after=&plain=&acks=`, `/events?after=`, `/data?epoch=`, `/transfer?id=&runner=`; or checks it itself:
   * `/files?owner=&request=`, with the client's body.
   */
  override fetch(request: Request): Response | Promise<Response> {
    const { pathname, searchParams: options } = new URL(request.url);
    if (pathname === '/files') return this.#openFiles(options, request.body);
    if (pathname === '/transfer') return this.#transfers.dial(options.get('id') ?? '', options.get('runner') ?? '');
    if (pathname === '/events') {
      const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
      return new Response(this.#streams.open(Number(options.get('after') ?? 0)), { headers });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    if (pathname === '/data') this.#link.accept(server, Number(options.get('epoch')));
    else {
      const after = options.get('after');
      this.#viewers.attach(server, {
        after: after === null ? null : Number(after),
        plain: options.get('plain') === '1',
        acknowledges: options.get('acks') === '1',
      });
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (!this.#link.receive(socket, message)) this.#viewerSocket.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    // Answers the peer's close; 1005 and 1006 are not codes that may be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    if (this.#core.record === null) return;
    const expires = this.#expires();
    if (expires !== null && Date.now() >= expires) {
      await this.delete(this.#core.current.identity.owner);
      return;
    }
    this.#outreach.again();
    this.#viewers.closeStalled(Date.now());
    this.#core.change((draft) => draft.clock());
  }

  #owned(owner: string): SessionRecord | false {
    const { record } = this.#core;
    return record !== null && record.identity.owner === owner && record;
  }

  #openFiles(options: URLSearchParams, body: ReadableStream<Uint8Array> | null): Response | Promise<Response> {
    const record = this.#owned(options.get('owner') ?? '');
    if (!record || !ALLOWED[record.state.status].has('files')) return refusalResponse(GONE);
    return this.#transfers.open(filesRequest.parse(JSON.parse(options.get('request') ?? '')), body);
  }

  #view(): StoredSessionView {
    return viewOf(this.#core.current, this.#core.seq);
  }

  #told(work: (draft: SessionDraft) => void): void {
    // The pool may know of a session that has been deleted since.
    if (this.#core.record !== null) this.#core.change(work);
  }

  #prompt(input: PromptInput): { message_id: string } | Refusal {
    const { messages } = this.#core;
    const { message_id, prompt, timeout_seconds, idempotency_key: key } = input;
    // Asked again by a caller whose call was cut off.
    if (messages.has(message_id)) return { message_id };
    const tooLong = turnOverMaximum(timeout_seconds, this.#core.settings);
    if (tooLong !== null) return tooLong;
    const body = JSON.stringify([prompt, timeout_seconds ?? null]);
    if (key !== undefined) {
      const seen = messages.byKey(key);
      if (seen !== null && seen.body === body) return { message_id: seen.id };
      if (seen !== null) {
        const detail = 'It came with another prompt before. Send a new key for a new message.';
        return { refused: 'idempotency_key_reused', detail };
      }
    }
    if (this.#core.current.state.queue.length >= MAX_QUEUE) {
      return { refused: 'queue_full', detail: `${MAX_QUEUE} messages wait in this session already. Let some finish.` };
    }
    this.#core.change((draft, now) => {
      // What was answered before comes before.
      draft.interactions.pass();
      if (key !== undefined) messages.rememberKey(key, message_id, body);
      draft.prompt(message_id, prompt, timeout_seconds === undefined ? null : now + timeout_seconds * 1000);
    });
    return { message_id };
  }

  #interrupt(): InterruptAnswer {
    const { status, current } = this.#core.current.state;
    if (!ALLOWED[status].has('interrupt') || current === null) return { interrupted: false, message_id: null };
    this.#core.change((draft) => draft.input({ on: 'interrupt' }));
    return { interrupted: true, message_id: current.message_id };
  }

  #resolve(id: string, request: ResolveRequest): InteractionView | Refusal {
    const { session_id, owner } = this.#core.current.identity;
    const resolved = this.#core.change((draft) => draft.interactions.resolve(id, request, owner));
    if (resolved === null) return NOT_ASKED;
    return 'refused' in resolved ? resolved : interactionViewOf(resolved, session_id);
  }

  /** A change has been committed: everyone whom it concerns is told. */
  #changed(draft: SessionDraft, before: number): void {
    this.#link.order(draft.commands);
    this.#viewers.publish(draft.shown);
    if (draft.seq > before) this.#streams.notify();
    for (const id of draft.finished) this.#waiters.wake(id);
    this.#outreach.tell();
    this.#snapshots.tell();
    this.#snapshots.changed();
    this.#setAlarm();
  }

  /** When nobody has spoken to a parked session for too long (`SESSION_RETENTION_DAYS`), epoch milliseconds; null: never. */
  #expires(): number | null {
    const { last_activity, state, files } = this.#core.current;
    const days = this.#core.settings.SESSION_RETENTION_DAYS;
    if (days === 0 || state.container !== 'none' || files.write !== null) return null;
    return last_activity + days * DAY_MS;
  }

  #setAlarm(): void {
    const { state, open_interactions } = this.#core.current;
    const times = [
      nextDeadline(state, this.#core.limits),
      open_interactions === 0 ? null : this.#core.interactions.nextDeadline(),
      this.#viewers.nextStall(),
      this.#outreach.nextTry(Date.now()),
      this.#snapshots.nextTry(),
      this.#expires(),
    ].filter((time) => time !== null);
    if (times.length === 0) return;
    const next = Math.min(...times);
    // An alarm that comes too early only looks at the clock; setting one costs a write.
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(next));
  }
}
