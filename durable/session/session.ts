import { DurableObject } from 'cloudflare:workers';
import type { ArtifactView } from '../../protocol/api/files/artifact.ts';
import type { DeliveryView } from '../../protocol/api/webhook.ts';
import type { FilesRefusal } from '../../protocol/api/files/files.ts';
import type { InteractionState, InteractionView, ResolveRequest } from '../../protocol/api/session/interaction.ts';
import type { InterruptAnswer, MessageStatus, MessageView, WakeupView } from '../../protocol/api/session/message.ts';
import type { PortList, PortView, SharePortRequest } from '../../protocol/api/session/port.ts';
import { SESSION_NOT_FOUND, type Refusal } from '../../protocol/api/problem.ts';
import { jsonText, type JsonText } from '../../protocol/json-text.ts';
import type { ChangeSessionRequest, SessionStatus } from '../../protocol/api/session/session.ts';
import type { SnapshotView } from '../../protocol/api/files/workspace.ts';
import type { SnapshotReport } from '../../protocol/link/runner-control.ts';
import type { Reason } from '../../protocol/reason.ts';
import type { ChildIdentity, ChildUpdate } from '../rpc/session/child-updates.ts';
import type { Caller } from '../rpc/caller.ts';
import type { CreateCall, SpawnCall, Spawned } from '../rpc/session/creation.ts';
import type { QuotaNotice, VersionedVerdict } from '../rpc/directory/reports.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import type {
  ContainerFacts,
  DeliveryPageQuery,
  ForkSource,
  PromptInput,
  SessionRpc,
  WaitFor,
} from '../rpc/session/session-rpc.ts';
import type {
  ArtifactPage,
  ChildLine,
  ChildOutcome,
  DeliveryPage,
  InteractionPage,
  LinkedInteraction,
  MessagePage,
  SnapshotPage,
  StoredSessionView,
  TurnPage,
  VersionedInbox,
  VersionedSummary,
} from '../rpc/session/views.ts';
import type { Revocation } from '../shared/tokens/revocation.ts';
import { count } from '../rpc/telemetry/counts.ts';
import { SessionAssembly } from './assembly.ts';
import { identityOf, kindOf } from './beginning.ts';
import { childLineOf, childOutcomeOf } from './children/child-views.ts';
import { filesElsewhere } from './container/shared-workspace.ts';
import { agentToolsOf } from './core/limits.ts';
import { Deletion } from './deletion.ts';
import { presentConfig } from './core/settings/live-settings.ts';
import { shareOf, type FilesShare } from './core/shared-files.ts';
import type { EventPlace } from './core/shown.ts';
import { wakeupViewOf } from './core/turns/wakeup.ts';
import { SessionRoutes } from './routes.ts';
import { newTicket } from './viewers/tickets.ts';
import type { SessionStore } from './store/store.ts';
import { eventPage } from './store/event-page.ts';
import { inboxOf, summaryOf, viewOf } from './store/views.ts';

const DELIVERY_NOT_FOUND: Refusal = {
  refused: 'delivery_not_found',
  detail: 'The session has no delivery with this id, or no longer: it keeps the newest ones (WEBHOOK_DELIVERIES_KEPT).',
};

/**
 * One session: its log, its messages, its container's link and those who watch it. All state and all ordering are here.
 * `core/` decides; the rooms do the work. This class is the list of what others can ask: see `SessionRpc` for each method.
 * It is longer than 300 lines because that list is.
 */
export class Session extends DurableObject<EdgeEnv> implements SessionRpc {
  readonly #assembly: SessionAssembly;
  readonly #routes: SessionRoutes;
  readonly #deletion: Deletion;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#assembly = new SessionAssembly(ctx, env);
    this.#routes = new SessionRoutes(this.#assembly);
    this.#deletion = new Deletion(ctx, this.#assembly);
  }

  create(call: CreateCall): { view: StoredSessionView; listed: VersionedSummary } {
    if (this.#store.record === null) {
      const identity = identityOf(call, Date.now());
      this.#store.begin(identity, call.beginning, call.creation);
      count('cc_docker_sessions_created_total', { kind: kindOf(identity) });
    }
    return { view: this.#view(), listed: summaryOf(this.#store.current) };
  }

  show(owner: string): StoredSessionView | Refusal {
    return this.#store.forOwner(owner, () => this.#view());
  }

  showText(owner: string): JsonText<StoredSessionView> | Refusal {
    return this.#store.forOwner(owner, ({ identity }) => {
      const text = jsonText(this.#view());
      this.#assembly.readyView.shown(identity, text);
      return text;
    });
  }

  lastSeq(owner: string): number | Refusal {
    return this.#store.forOwner(owner, () => this.#store.seq);
  }

  listed(): VersionedSummary | null {
    return this.#store.record === null ? null : summaryOf(this.#store.record);
  }

  inbox(): VersionedInbox | null {
    return this.#store.record === null ? null : inboxOf(this.#store, this.#store.record);
  }

  async chat(owner: string, input: PromptInput): Promise<{ message_id: string } | Refusal> {
    return this.#store.forOwner(owner, () => this.#assembly.messages.prompt(input));
  }

  message(owner: string, messageId: string): MessageView | Refusal {
    return this.#store.forOwner(owner, () => this.#assembly.messages.show(messageId));
  }

  async chatAndWait(owner: string, input: PromptInput, wait: WaitFor): Promise<MessageView | Refusal> {
    return this.#store.forOwner(owner, () => this.#assembly.messages.promptAndWait(input, wait));
  }

  messages(owner: string, status: MessageStatus | undefined, cursor: number, limit: number): MessagePage | Refusal {
    return this.#store.forOwner(owner, () => this.#assembly.messages.list(status, cursor, limit));
  }

  withdraw(owner: string, messageId: string): MessageView | Refusal {
    return this.#store.forOwner(owner, () => this.#assembly.messages.withdraw(messageId));
  }

  turns(owner: string, cursor: number, limit: number): TurnPage | Refusal {
    return this.#store.forOwner(owner, () => this.#store.turns.page(cursor, limit));
  }

  wakeups(owner: string): readonly WakeupView[] | Refusal {
    return this.#store.forOwner(owner, () => this.#store.wakeups.all().map(wakeupViewOf));
  }

  cancelWakeup(owner: string, id: string): { canceled: true } | Refusal {
    const cancel = () => this.#store.change((tx) => tx.wakeups.cancel(id));
    return this.#store.forOwner(owner, () => cancel() ?? { canceled: true });
  }

  async ports(owner: string, origin: string): Promise<PortList | Refusal> {
    return this.#store.forOwner(owner, () => this.#assembly.ports.list(origin));
  }

  async sharePort(owner: string, request: SharePortRequest, origin: string): Promise<PortView | Refusal> {
    return this.#store.forOwner(owner, () => this.#assembly.ports.share(request, 'owner', origin));
  }

  unsharePort(owner: string, port: number): { unshared: true } | Refusal {
    return this.#store.forOwner(owner, () => this.#assembly.ports.unshare(port));
  }

  interrupt(owner: string, background: boolean): InterruptAnswer | Refusal {
    return this.#store.forOwner(owner, () => this.#assembly.messages.interrupt(background));
  }

  interactions(
    person: string,
    state: InteractionState | undefined,
    limit: number,
    cursor: string | undefined,
  ): InteractionPage | Refusal {
    return this.#assembly.interactions.list(person, state, limit, cursor) ?? SESSION_NOT_FOUND;
  }

  interaction(person: string, id: string): InteractionView | Refusal {
    return this.#assembly.interactions.show(person, id) ?? SESSION_NOT_FOUND;
  }

  resolve(person: string, id: string, request: ResolveRequest): InteractionView | Refusal {
    return this.#assembly.interactions.resolve(person, id, request) ?? SESSION_NOT_FOUND;
  }

  linked(id: string): LinkedInteraction | Refusal {
    return this.#assembly.interactions.linked(id) ?? SESSION_NOT_FOUND;
  }

  deliveries(owner: string, { state, cursor, limit }: DeliveryPageQuery): DeliveryPage | Refusal {
    return this.#store.forOwner(owner, ({ identity: { session_id } }) => {
      const page = this.#store.deliveries.page(state, cursor, limit);
      return { ...page, data: page.data.map((view) => ({ ...view, session_id })) };
    });
  }

  redeliver(owner: string, id: string): DeliveryView | Refusal {
    return this.#store.forOwner(owner, ({ identity: { session_id } }) => {
      if (!this.#store.deliveries.again(id, Date.now())) return DELIVERY_NOT_FOUND;
      this.#assembly.webhooks.send();
      this.#assembly.setAlarm();
      const view = this.#store.deliveries.show(id);
      return view === null ? DELIVERY_NOT_FOUND : { ...view, session_id };
    });
  }

  async stop(owner: string): Promise<{ session_id: string; status: SessionStatus } | Refusal> {
    return this.#store.forOwner(owner, async ({ identity: { session_id } }) => {
      this.#assembly.messages.stop('Stopped by its owner. The next message wakes it.');
      await this.#assembly.children.stopBelow();
      await this.#assembly.listEntry.update();
      return { session_id, status: this.#store.record?.state.status ?? 'stopped' };
    });
  }

  async stopWithParent(owner: string): Promise<void> {
    await this.#store.forOwner(owner, async () => {
      this.#assembly.messages.stop('Stopped together with the session that began it. The next message wakes it.');
      await this.#assembly.listEntry.update();
    });
  }

  followOnDiscord(owner: string): void {
    this.#store.forOwner(owner, () =>
      this.#store.change((tx) => {
        tx.record = { ...tx.record, on_discord: true };
      }),
    );
  }

  async spawn(owner: string, call: SpawnCall): Promise<Spawned | Refusal> {
    const isWanted = () => this.#store.record !== null;
    return this.#store.forOwner(owner, () => this.#assembly.children.spawn({ ...call, isWanted }));
  }

  children(owner: string): readonly string[] | Refusal {
    return this.#store.forOwner(owner, ({ children }) => children.ids);
  }

  async change(
    owner: string,
    { budget_usd: budget, ...settings }: ChangeSessionRequest,
  ): Promise<StoredSessionView | Refusal> {
    return this.#store.forOwner(owner, async ({ identity }) => {
      const refused = this.#store.change((tx) => tx.settings.change(settings));
      if (refused !== null) return refused;
      if (budget !== undefined) {
        await this.#assembly.peers.directory.setBudget(identity.session_id, budget);
        this.#store.changeIfPresent((tx) => tx.children.budgeted(budget));
      }
      return this.show(owner);
    });
  }

  childLine(owner: string): ChildLine | Refusal {
    return this.#store.forOwner(owner, childLineOf);
  }

  childOutcome(owner: string, messageId: string | undefined): ChildOutcome | Refusal {
    return this.#store.forOwner(owner, (record) => childOutcomeOf(record, this.#store.messages, messageId));
  }

  childUpdated(child: ChildIdentity, updates: readonly ChildUpdate[]): void {
    this.#store.changeIfPresent((tx) => tx.children.updated(child, updates));
  }

  childDeleted(childId: string): void {
    this.#store.changeIfPresent((tx) => tx.children.deleted(childId));
  }

  shareFiles(owner: string): FilesShare {
    const record = this.#store.ownedBy(owner);
    return record ? shareOf(record.state, record.files) : { share: 'no' };
  }

  sharedBy(sessionId: string, shares: boolean): void {
    this.#store.changeIfPresent((tx) => tx.children.sharedBy(sessionId, shares));
  }

  setTurnPermit(verdict: VersionedVerdict): void {
    this.#store.changeIfPresent((tx) => tx.children.permit(verdict));
  }

  setQuota(notice: QuotaNotice): void {
    this.#assembly.quota.told(notice, false);
  }

  async delete(owner: string): Promise<{ deleted: true } | Refusal> {
    return this.#store.forOwner(owner, ({ identity }) => this.#deletion.run(identity.session_id));
  }

  async mintTicket(caller: Caller): Promise<{ ticket: string; expires_at: string } | Refusal> {
    const record = this.#store.ownedBy(caller.owner);
    if (record === null) return SESSION_NOT_FOUND;
    const ticket = await newTicket(this.#store.settings, record.identity.session_id);
    // It may have been deleted meanwhile.
    return this.#store.forOwner(caller.owner, () => this.#assembly.tickets.give(ticket, caller));
  }

  takeTicket(ticket: string): Promise<Caller | null> {
    return this.#assembly.tickets.take(ticket);
  }

  tokensRevoked(what: Revocation): void {
    this.#routes.revoked(what);
  }

  events(owner: string, after: number, limit: number): { json: Uint8Array } | Refusal {
    return this.eventsAt(owner, { after }, limit);
  }

  eventsAt(owner: string, place: EventPlace, limit: number): { json: Uint8Array } | Refusal {
    return this.#store.forOwner(owner, () => ({ json: eventPage(this.#store.log, this.#store.seq, place, limit) }));
  }

  async requestSnapshot(owner: string, id: string): Promise<SnapshotView | Refusal> {
    return this.#store.forOwner(
      owner,
      ({ identity }) => filesElsewhere(identity) ?? this.#assembly.snapshots.request(id, 'requested'),
    );
  }

  async listSnapshots(owner: string, cursor: string | undefined, limit: number): Promise<SnapshotPage | Refusal> {
    return this.#store.forOwner(owner, () => this.#assembly.snapshots.list(cursor, limit));
  }

  async snapshot(owner: string, id: string): Promise<SnapshotView | Refusal> {
    return this.#store.forOwner(owner, () => this.#assembly.snapshots.show(id));
  }

  artifacts(owner: string, cursor: number, limit: number): ArtifactPage | Refusal {
    return this.#store.forOwner(owner, () => this.#assembly.artifacts.list(cursor, limit));
  }

  artifact(owner: string, id: string): ArtifactView | Refusal {
    return this.#store.forOwner(owner, () => this.#assembly.artifacts.show(id));
  }

  async removeArtifact(owner: string, id: string): Promise<{ deleted: true } | Refusal> {
    return this.#store.forOwner(owner, () => this.#assembly.artifacts.remove(id));
  }

  async forkSource(owner: string, id: string, named: string | undefined): Promise<ForkSource | Refusal> {
    return this.#store.forOwner(owner, async ({ identity, live }) => {
      const source = filesElsewhere(identity) ?? (await this.#assembly.snapshots.forFork(id, named));
      if ('refused' in source) return source;
      const config = presentConfig(identity, live);
      const conversation_id = this.#store.snapshots.conversation(source.snapshot_id) ?? identity.session_id;
      return {
        conversation_id,
        environment: this.#store.environment.get(),
        request: { workspace: { type: 'ephemeral', snapshot: source.snapshot_id }, config },
        ...source,
      };
    });
  }

  snapshotReported(report: SnapshotReport): void {
    this.#store.changeIfPresent((tx) => tx.report(report));
  }

  placed(epoch: number, runner: string): void {
    this.#store.changeIfPresent((tx) => tx.placed(epoch, runner));
  }

  waiting(epoch: number, reason: Reason): void {
    this.#store.changeIfPresent((tx) => tx.input({ on: 'waiting', epoch, reason }));
  }

  crowded(epoch: number, crowded: boolean): void {
    this.#store.changeIfPresent((tx) => tx.input({ on: 'crowded', epoch, crowded }));
  }

  draining(epoch: number, draining: boolean): void {
    this.#store.changeIfPresent((tx) => tx.input({ on: 'draining', epoch, draining }));
  }

  started(epoch: number, runner: string, container: ContainerFacts): void {
    this.#store.changeIfPresent((tx) => tx.started(epoch, runner, container));
  }

  ended(epoch: number, reason: Reason, runner: string): void {
    this.#store.changeIfPresent((tx) => tx.ended(epoch, reason, runner));
  }

  transferRefused(transferId: string, runner: string, refusal: FilesRefusal): Promise<void> {
    return this.#assembly.transfers.refused(transferId, runner, refusal);
  }

  /** Sockets, streams and files: see `SessionRoutes`. */
  override fetch(request: Request): Response | Promise<Response> {
    return this.#routes.open(request);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    return this.#routes.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    // Answers the peer's close. The codes 1005 and 1006 may not be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
    this.#assembly.viewerLeft();
  }

  override async alarm(): Promise<void> {
    // Deleting this session deletes those below it, so their activity counts first.
    if (this.#isExpired()) await this.#assembly.children.noteActivityBelow();
    const { record } = this.#store;
    this.#assembly.alarmFired();
    if (record === null || !(this.#isExpired() || record.deleting === true)) return this.#assembly.clock();
    await this.delete(record.identity.owner);
  }

  #isExpired(): boolean {
    const expires = this.#store.record === null ? null : this.#assembly.expires();
    return expires !== null && Date.now() >= expires;
  }

  get #store(): SessionStore {
    return this.#assembly.store;
  }

  #view(): StoredSessionView {
    const { current, seq, settings } = this.#store;
    return viewOf(current, seq, agentToolsOf(current.identity, settings));
  }
}
