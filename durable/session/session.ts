import { DurableObject } from 'cloudflare:workers';
import type { ArtifactView } from '../../protocol/api/artifact.ts';
import { CloseCode } from '../../protocol/close-code.ts';
import type { FilesRefusal } from '../../protocol/api/files.ts';
import type { InteractionState, InteractionView, ResolveRequest } from '../../protocol/api/interaction.ts';
import type { InterruptAnswer, MessageView } from '../../protocol/api/message.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { Reason } from '../../protocol/reason.ts';
import type { SnapshotReport } from '../../protocol/link/runner-control.ts';
import type { CreateSessionRequest, SessionStatus } from '../../protocol/api/session.ts';
import type { SnapshotView } from '../../protocol/api/workspace.ts';
import type { Beginning } from './core/files.ts';
import type { Spawned } from '../directory/directory.ts';
import { shareOf, type FilesShare } from './core/shared-files.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import { envelopeJson } from './store/tables/event-log.ts';
import type { ToldVerdict } from '../directory/tree.ts';
import type { ArtifactPage } from './store/tables/artifact-table.ts';
import type { Birth } from '../rpc/creation.ts';
import { childLineOf, childOutcomeOf, type ChildLine, type ChildOutcome } from './children/child-views.ts';
import { GONE, type SessionCore } from './store/store.ts';
import { SessionDoor } from './routes.ts';
import type { SessionDraft } from './store/transaction.ts';
import type { ChildIdentity, News, SpawnCall } from './children/children.ts';
import type { PromptInput } from './messages.ts';
import { SessionParts } from './assembly.ts';
import type { InteractionPage } from './interactions.ts';
import type { ContainerFacts, SessionRecord } from './store/record.ts';
import { filesElsewhere } from './container/shared-workspace.ts';
import { summaryOf, viewOf, type StoredSessionView, type VersionedSummary } from './store/views.ts';
import type { SnapshotPage } from './store/tables/snapshot-table.ts';

/** Characters of a page of events. */
const PAGE_SIZE = 4 * 1024 * 1024;

/** A session to begin. */
export interface CreateCall {
  readonly session_id: string;
  readonly owner: string;
  readonly request: CreateSessionRequest;
  readonly beginning: Beginning;
  readonly birth: Birth;
}

/**
 * One session: its log, its messages, its container's link and those who watch it. All state and all ordering are here;
 * what it decides, it decides in `core/`. This class is what others can ask of it; the parts do the work.
 */
export class Session extends DurableObject<EdgeEnv> {
  readonly #parts: SessionParts;
  readonly #door: SessionDoor;
  #deleting: Promise<{ deleted: true }> | null = null;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#parts = new SessionParts(ctx, env);
    this.#door = new SessionDoor(this.#parts);
  }

  /** Begins the session and asks for its container. The same id again changes nothing. */
  create({ session_id, owner, request, beginning, birth }: CreateCall): {
    view: StoredSessionView;
    listed: VersionedSummary;
  } {
    if (this.#core.record === null) {
      const { fork_of: forked_from } = beginning;
      const identity = { session_id, owner, created: Date.now(), request, forked_from, spawn: birth.spawn };
      this.#core.begin(identity, beginning, birth);
    }
    return { view: this.#view(), listed: summaryOf(this.#core.current) };
  }

  show(owner: string): StoredSessionView | Refusal {
    return this.#core.ownedBy(owner) ? this.#view() : GONE;
  }

  /** As its owner's list shows it; null: it is deleted. */
  listed(): VersionedSummary | null {
    return this.#core.record === null ? null : summaryOf(this.#core.record);
  }

  chat(owner: string, input: PromptInput): { message_id: string } | Refusal {
    return this.#core.ownedBy(owner) ? this.#parts.messages.prompt(input) : GONE;
  }

  message(owner: string, messageId: string): MessageView | Refusal {
    return this.#core.ownedBy(owner) ? this.#parts.messages.show(messageId) : GONE;
  }

  /** Takes a message and resolves once it has ended. May be called again with the same `message_id`. */
  async ask(owner: string, input: PromptInput): Promise<MessageView | Refusal> {
    const accepted = this.chat(owner, input);
    if ('refused' in accepted) return accepted;
    const messageId = accepted.message_id;
    for (;;) {
      const view = this.message(owner, messageId);
      if ('refused' in view || view.finished_at !== null) return view;
      await this.#parts.messages.wait(messageId);
    }
  }

  interrupt(owner: string): InterruptAnswer | Refusal {
    return this.#core.ownedBy(owner) ? this.#parts.messages.interrupt() : GONE;
  }

  /** What people are and were asked, the oldest first; `cursor` is the id of the last of the page before. `person` need not be the owner. */
  interactions(
    person: string,
    state: InteractionState | undefined,
    limit: number,
    cursor: string | undefined,
  ): InteractionPage | Refusal {
    return this.#parts.people.list(person, state, limit, cursor) ?? GONE;
  }

  interaction(person: string, id: string): InteractionView | Refusal {
    return this.#parts.people.show(person, id) ?? GONE;
  }

  resolve(person: string, id: string, request: ResolveRequest): InteractionView | Refusal {
    return this.#parts.people.resolve(person, id, request) ?? GONE;
  }

  /** Stops it, and all below it. */
  async stop(owner: string): Promise<{ session_id: string; status: SessionStatus } | Refusal> {
    const record = this.#core.ownedBy(owner);
    if (!record) return GONE;
    this.#parts.messages.stop('Stopped by its owner. The next message wakes it.');
    await this.#parts.family.stopBelow();
    await this.#parts.outreach.list();
    return { session_id: record.identity.session_id, status: this.#core.record?.state.status ?? 'stopped' };
  }

  /** A session above it is stopped, and sees to those below it. */
  async stopWithParent(owner: string): Promise<void> {
    if (!this.#core.ownedBy(owner)) return;
    this.#parts.messages.stop('Stopped together with the session that began it. The next message wakes it.');
    await this.#parts.outreach.list();
  }

  /** From now on people on Discord are shown its work, in a thread of its own. */
  followOnDiscord(owner: string): void {
    if (!this.#core.ownedBy(owner)) return;
    this.#told((draft) => {
      draft.record = { ...draft.record, on_discord: true };
    });
  }

  /** Begins a child. */
  async spawn(owner: string, call: Omit<SpawnCall, 'isWanted'>): Promise<Spawned | Refusal> {
    if (!this.#core.ownedBy(owner)) return GONE;
    return this.#parts.family.spawn({ ...call, isWanted: () => this.#core.record !== null });
  }

  /** The sessions that it has begun, the oldest first. */
  children(owner: string): readonly string[] | Refusal {
    const record = this.#core.ownedBy(owner);
    return record ? record.children : GONE;
  }

  /** Sets what it and all below it may cost, USD; null: no limit of its own. */
  async setBudget(owner: string, budget: number | null): Promise<StoredSessionView | Refusal> {
    const record = this.#core.ownedBy(owner);
    if (!record) return GONE;
    await this.#parts.outreach.directory.setBudget(record.identity.session_id, budget);
    this.#told((draft) => draft.family.budgeted(budget));
    return this.show(owner);
  }

  /** How it stands with it, for the agent that began it. */
  childLine(owner: string): ChildLine | Refusal {
    const record = this.#core.ownedBy(owner);
    return record ? childLineOf(record) : GONE;
  }

  /** What has become of a message, or of its newest, for the agent that began it. */
  childOutcome(owner: string, messageId: string | undefined): ChildOutcome | Refusal {
    const record = this.#core.ownedBy(owner);
    return record ? childOutcomeOf(record, this.#core.messages, messageId) : GONE;
  }

  /** A child tells what has become of it. */
  hearChild(child: ChildIdentity, news: readonly News[]): void {
    this.#told((draft) => draft.family.hear(child, news));
  }

  childDeleted(childId: string): void {
    this.#told((draft) => draft.family.deleted(childId));
  }

  /** Whether the container of a session below it may work in this one's files now, and where. */
  shareFiles(owner: string): FilesShare {
    const record = this.#core.ownedBy(owner);
    return record ? shareOf(record.state, record.files) : { share: 'no' };
  }

  /** A session below it has a container that works in this one's files, or has none any more. */
  sharedBy(sessionId: string, shares: boolean): void {
    this.#told((draft) => draft.family.sharedBy(sessionId, shares));
  }

  /** The owner's ledger says whether turns may begin. */
  hearLeave(told: ToldVerdict): void {
    this.#told((draft) => draft.family.leave(told));
  }

  /** Ends the session, with all below it, and removes all that they stored, here and on its runner. May be called again until it succeeds. */
  async delete(owner: string): Promise<{ deleted: true } | Refusal> {
    const record = this.#core.ownedBy(owner);
    if (!record) return GONE;
    // Asked for twice at once, as by its owner and by a session above it that goes as well.
    this.#deleting ??= this.#delete(record).finally(() => (this.#deleting = null));
    return this.#deleting;
  }

  async #delete({ identity: { session_id } }: SessionRecord): Promise<{ deleted: true }> {
    await this.#parts.family.deleteBelow();
    await this.#parts.family.leave();
    await this.#parts.sharing.leave();
    await this.#parts.discord.leave();
    await this.#parts.outreach.pool.forget(session_id);
    await this.#parts.outreach.directory.remove(session_id);
    // Who reads on would read what is no longer there.
    this.#parts.streams.end();
    await this.#core.erase();
    for (const socket of this.ctx.getWebSockets()) socket.close(CloseCode.notFound, 'the session was deleted');
    this.#parts.transfers.end();
    this.#parts.messages.end();
    this.#parts.snapshots.changed();
    return { deleted: true };
  }

  /** A page of the log as JSON text `{"data":[…],"next_cursor":…}`, events as they were stored. */
  events(owner: string, after: number, limit: number): { json: string } | Refusal {
    if (!this.#core.ownedBy(owner)) return GONE;
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
    const record = this.#core.ownedBy(owner);
    if (!record) return GONE;
    return filesElsewhere(record.identity) ?? this.#parts.snapshots.request(id, 'requested');
  }

  async listSnapshots(owner: string, cursor: string | undefined, limit: number): Promise<SnapshotPage | Refusal> {
    return this.#core.ownedBy(owner) ? this.#parts.snapshots.list(cursor, limit) : GONE;
  }

  async snapshot(owner: string, id: string): Promise<SnapshotView | Refusal> {
    return this.#core.ownedBy(owner) ? this.#parts.snapshots.show(id) : GONE;
  }

  /** Files that the agent has given to people, the oldest first; `cursor` as the page before gave it. */
  artifacts(owner: string, cursor: number, limit: number): ArtifactPage | Refusal {
    return this.#core.ownedBy(owner) ? this.#parts.artifacts.list(cursor, limit) : GONE;
  }

  artifact(owner: string, id: string): ArtifactView | Refusal {
    return this.#core.ownedBy(owner) ? this.#parts.artifacts.show(id) : GONE;
  }

  async removeArtifact(owner: string, id: string): Promise<{ deleted: true } | Refusal> {
    return this.#core.ownedBy(owner) ? this.#parts.artifacts.remove(id) : GONE;
  }

  /** What a fork of this session begins with, once that is stored: the snapshot `named`, or one of now (`id`). */
  async forkSource(
    owner: string,
    id: string,
    named: string | undefined,
  ): Promise<{ request: CreateSessionRequest; snapshot_id: string } | Refusal> {
    const record = this.#core.ownedBy(owner);
    if (!record) return GONE;
    const source = filesElsewhere(record.identity) ?? (await this.#parts.snapshots.forFork(id, named));
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

  /** Other sessions wait for a place, or do no longer. */
  crowded(epoch: number, crowded: boolean): void {
    this.#told((draft) => draft.input({ on: 'crowded', epoch, crowded }));
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
    this.#parts.transfers.refused(transferId, refusal);
  }

  /** Sockets, streams and files: `SessionDoor` says which. */
  override fetch(request: Request): Response | Promise<Response> {
    return this.#door.open(request);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#door.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    // Answers the peer's close; 1005 and 1006 are not codes that may be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  override async alarm(): Promise<void> {
    // Those below it would go with it.
    if (this.#isForgotten()) await this.#parts.family.noteActivityBelow();
    if (!this.#isForgotten()) return this.#parts.alarmed();
    await this.delete(this.#core.current.identity.owner);
  }

  #isForgotten(): boolean {
    const expires = this.#core.record === null ? null : this.#parts.expires();
    return expires !== null && Date.now() >= expires;
  }

  get #core(): SessionCore {
    return this.#parts.core;
  }

  #view(): StoredSessionView {
    return viewOf(this.#core.current, this.#core.seq);
  }

  #told(work: (draft: SessionDraft) => void): void {
    // The pool may know of a session that has been deleted since.
    if (this.#core.record !== null) this.#core.change(work);
  }
}
