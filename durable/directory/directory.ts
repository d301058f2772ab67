import { DurableObject } from 'cloudflare:workers';
import { edgeSettings, type EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { SessionTree } from '../../protocol/api/session/child.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { TreeName } from '../../protocol/link/runner-control.ts';
import type { SnapshotView, StorageView, WorkspaceView } from '../../protocol/api/files/workspace.ts';
import type { PushSubscriptionView, PushTested } from '../../protocol/api/push.ts';
import type { DeliveryView, WebhookView } from '../../protocol/api/webhook.ts';
import type { Created, Spawned } from '../rpc/session/creation.ts';
import type { OwnerWebhooks } from '../rpc/session/owner-webhooks.ts';
import type { CreateInput, SpawnInput } from '../rpc/directory/creation-input.ts';
import type { DirectoryRpc } from '../rpc/directory/directory-rpc.ts';
import type {
  DeliveryQuery,
  FeedPage,
  InboxPage,
  InboxQuery,
  ListInput,
  ListPage,
  SummaryText,
} from '../rpc/directory/lists.ts';
import type { PushInput, WebhookInput } from '../rpc/directory/receivers.ts';
import type {
  ArtifactInput,
  LeaseAnswer,
  LeaseInput,
  QuotaNotice,
  SnapshotInput,
  SpendingReport,
  VersionedVerdict,
  ViewersInput,
} from '../rpc/directory/reports.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import { count, sendTelemetry } from '../rpc/telemetry/counts.ts';
import type { Revocation } from '../rpc/gate-rpc.ts';
import type { StoredSessionView, StoredSummary, VersionedInbox, VersionedSummary } from '../rpc/session/views.ts';
import { refusalResponse } from '../shared/refusal-response.ts';
import { migrate, stampVersion } from '../shared/schema.ts';
import { streamTokenOf } from '../shared/tokens/stream-token.ts';
import type { Head } from '../shared/trees.ts';
import type {
  EnvironmentBuild,
  EnvironmentBuildLog,
  EnvironmentRequest,
  EnvironmentView,
} from '../../protocol/api/environment.ts';
import type { BuildUpdate } from '../shared/environments/build-update.ts';
import { Environments } from './environments/environments.ts';
import { Creations } from './creations.ts';
import { Devices } from './devices.ts';
import { GoneTable } from './feed/gone-table.ts';
import { OwnerFeed } from './feed/feed.ts';
import { Versions } from './feed/versions.ts';
import { Inbox } from './inbox.ts';
import { DIRECTORY_SCHEMA } from './migrations.ts';
import { SessionNotices } from './notices.ts';
import { SessionList } from './session-list.ts';
import { OwnerStorage } from './storage.ts';
import { TotalsReport } from './totals-report.ts';
import { OwnerTree } from './tree.ts';
import { WebhookDirectory } from './webhooks.ts';
import { ViewerSlotTable } from './tables/viewer-slot-table.ts';

/**
 * One owner's sessions: the list, the session trees with their budgets, and what is kept in the storage. It knows which sessions
 * exist and how many may exist. What a session does is known to its own `Session` object. This class is the list of what others
 * can ask: see `DirectoryRpc` for each method. It is longer than 300 lines because that list is.
 */
export class Directory extends DurableObject<EdgeEnv> implements DirectoryRpc {
  readonly #list: SessionList;
  readonly #storage: OwnerStorage;
  readonly #tree: OwnerTree;
  readonly #creations: Creations;
  readonly #viewers: ViewerSlotTable;
  readonly #feed: OwnerFeed;
  readonly #inbox: Inbox;
  readonly #webhooks: WebhookDirectory;
  readonly #devices: Devices;
  readonly #environments: Environments;
  readonly #settings: EdgeSettings;
  readonly #totals: TotalsReport;
  readonly #notices: SessionNotices;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    const settings = edgeSettings.parse(env);
    const { sql } = ctx.storage;
    const isNew = migrate(ctx.storage, DIRECTORY_SCHEMA) === 'none';
    const versions = new Versions(sql);
    this.#list = new SessionList(sql, versions);
    this.#storage = new OwnerStorage(sql, settings, env, ctx.id.toString());
    this.#tree = new OwnerTree(sql, settings, env);
    this.#environments = new Environments(sql, settings);
    const parts = { list: this.#list, storage: this.#storage, tree: this.#tree, environments: this.#environments };
    this.#creations = new Creations({ sql, settings, env, ...parts });
    this.#viewers = new ViewerSlotTable(sql);
    const gone = new GoneTable(sql);
    this.#feed = new OwnerFeed({ ctx, env, sql, settings, versions, gone, table: this.#viewers });
    this.#inbox = new Inbox(sql, env, this.#feed);
    this.#webhooks = new WebhookDirectory(sql, settings);
    this.#devices = new Devices(sql, env, settings, this.#webhooks.devicesChanged);
    this.#settings = settings;
    this.#totals = new TotalsReport(ctx, env, () => ({
      sessions: this.#list.countByStatus(),
      stored_bytes: this.#storage.quota.usage().total_bytes,
    }));
    this.#notices = new SessionNotices(ctx, env, { list: this.#list, tree: this.#tree, quota: this.#storage.quota });
    if (isNew) stampVersion(sql, DIRECTORY_SCHEMA);
    void ctx.blockConcurrencyWhile(() => this.#environments.prepare());
  }

  async create(input: CreateInput): Promise<Created | Refusal> {
    const asked = input.fork?.asked ?? JSON.stringify(input.request);
    const reserved = this.#creations.reserve({ ...input, child: null, prompt: null, asked });
    if (typeof reserved !== 'string') return reserved;
    const view = await this.#create(reserved, input.owner);
    const callback_secret = this.#creations.callbackSecretOf(reserved);
    return callback_secret === undefined ? view : { ...view, callback_secret };
  }

  async forked(key: string, asked: string, owner: string): Promise<StoredSessionView | Refusal | null> {
    const existing = this.#creations.find(key, asked);
    return typeof existing === 'string' ? this.#create(existing, owner) : existing;
  }

  async spawn(input: SpawnInput): Promise<Spawned | Refusal> {
    const reserved = this.#creations.reserve(input);
    return typeof reserved === 'string' ? this.#spawned(reserved, input.owner) : reserved;
  }

  async spawnedBefore(key: string, asked: string, owner: string): Promise<Spawned | Refusal | null> {
    const existing = this.#creations.find(key, asked);
    return typeof existing === 'string' ? this.#spawned(existing, owner) : existing;
  }

  spawnRefusal(parentId: string): Refusal | null {
    return this.#creations.spawnRefusal(parentId);
  }

  has(sessionId: string): boolean {
    return this.#list.has(sessionId);
  }

  list(input: ListInput): ListPage {
    const page = this.listTexts(input);
    return { ...page, data: page.data.map(({ summary }) => JSON.parse(summary) as StoredSummary) };
  }

  listTexts(input: ListInput): ListPage<SummaryText> {
    const { within } = input;
    return this.#list.page(input, within === null ? null : [within, ...this.#tree.descendants(within, false)]);
  }

  async summaries(ids: readonly string[]): Promise<StoredSummary[]> {
    await this.#refresh(new Set(ids));
    return this.#list.summaries(ids);
  }

  update(listed: VersionedSummary, storedBytes: number, inbox: VersionedInbox | null): QuotaNotice {
    this.#update(listed);
    const { session_id } = listed.summary;
    if (inbox !== null) this.#inbox.report(session_id, inbox, this.#list.summary(session_id));
    if (this.#list.has(session_id)) this.#storage.quota.sessions.set(session_id, storedBytes);
    return this.#checkQuota();
  }

  async remove(sessionId: string): Promise<void> {
    if (this.#list.has(sessionId)) this.#feed.sessionRemoved(sessionId);
    this.#list.remove(sessionId);
    this.#inbox.removeSession(sessionId);
    this.#creations.remove(sessionId);
    this.#viewers.remove(sessionId);
    this.#webhooks.deliveries.forgetSession(sessionId);
    this.#tree.remove(sessionId);
    this.#notices.sendPermits();
    await this.#storage.forgetSession(sessionId);
    this.#checkQuota();
  }

  isBelow(sessionId: string, ancestor: string): boolean {
    return this.#tree.descendants(ancestor, false).includes(sessionId);
  }

  descendants(sessionId: string, closing: boolean): string[] {
    return this.#tree.descendants(sessionId, closing);
  }

  async tree(sessionId: string): Promise<SessionTree> {
    const summaries = await this.summaries([sessionId, ...this.#tree.descendants(sessionId, false)]);
    return this.#tree.view(sessionId, new Map(summaries.map((summary) => [summary.session_id, summary])));
  }

  reportSpending(report: SpendingReport): VersionedVerdict | null {
    if (!this.#list.has(report.session_id)) return null;
    const answer = this.#tree.report(report);
    this.#notices.sendPermits();
    return answer;
  }

  setBudget(sessionId: string, budget: number | null): void {
    // A session that was deleted meanwhile must not get a row in the tree: nobody would remove it.
    if (!this.#list.has(sessionId)) return;
    this.#tree.setBudget(sessionId, budget);
    this.#notices.sendPermits();
  }

  override async alarm(): Promise<void> {
    await this.#notices.sendPermitsNow();
  }

  holdViewers(input: ViewersInput): number {
    // The session was deleted meanwhile: it lets nobody in any more.
    if (!this.#list.has(input.session_id)) return 0;
    return this.#viewers.hold(input, this.#settings.MAX_VIEWERS_PER_OWNER, Date.now());
  }

  async inbox(query: InboxQuery): Promise<InboxPage> {
    await this.#inbox.learn((id) => this.#list.summary(id));
    return this.#inbox.page(query);
  }

  async feedPage(after: number): Promise<FeedPage> {
    await this.#inbox.learn((id) => this.#list.summary(id));
    return this.#feed.page(after);
  }

  feedRevoked(what: Revocation, owner: string): void {
    this.#feed.revoked(what, owner);
    this.#devices.revoked(what);
  }

  /** The feed: `/feed?after=&owner=&token=`. Only `functions/` asks, which has authorised it. */
  override async fetch(request: Request): Promise<Response> {
    const { searchParams: options } = new URL(request.url);
    await this.#inbox.learn((id) => this.#list.summary(id));
    const opened = this.#feed.open(
      { after: Number(options.get('after')), ...streamTokenOf(options) },
      options.get('owner') ?? '',
    );
    return 'refused' in opened ? refusalResponse(opened) : opened;
  }

  setWebhook(input: WebhookInput): WebhookView | Refusal {
    return this.#webhooks.put(input, Date.now());
  }

  webhooks(): WebhookView[] {
    return this.#webhooks.list();
  }

  webhook(name: string): WebhookView | Refusal {
    return this.#webhooks.show(name);
  }

  removeWebhook(name: string): { deleted: true } | Refusal {
    return this.#webhooks.remove(name);
  }

  webhooksSince(version: number | null): OwnerWebhooks | null {
    return this.#webhooks.since(version, () => this.#devices.receivers(Date.now()));
  }

  async setPush(input: PushInput): Promise<PushSubscriptionView | Refusal> {
    return this.#devices.put(input, Date.now());
  }

  pushes(): PushSubscriptionView[] {
    return this.#devices.list(Date.now());
  }

  removePush(id: string): { deleted: true } | Refusal {
    return this.#devices.remove(id);
  }

  async testPush(id: string): Promise<PushTested | Refusal> {
    return this.#devices.test(id, Date.now());
  }

  pushEnded(id: string, endpoint: string): void {
    this.#devices.ended(id, endpoint);
  }

  deliveriesChanged(sessionId: string, views: readonly Omit<DeliveryView, 'session_id'>[]): void {
    // A session that was deleted meanwhile has no deliveries any more.
    if (this.#list.has(sessionId)) this.#webhooks.report(sessionId, views);
  }

  deliveries(query: DeliveryQuery): { data: DeliveryView[]; next_cursor: string | null } {
    return this.#webhooks.deliveries.page(query);
  }

  sessionOfDelivery(id: string): string | null {
    return this.#webhooks.deliveries.sessionOf(id);
  }

  async setEnvironment(name: string, request: EnvironmentRequest): Promise<EnvironmentView | Refusal> {
    return this.#environments.put(name, request, Date.now());
  }

  environments(): EnvironmentView[] {
    return this.#environments.list();
  }

  environment(name: string): EnvironmentView | Refusal {
    return this.#environments.show(name);
  }

  removeEnvironment(name: string): { deleted: true } | Refusal {
    return this.#environments.remove(name);
  }

  environmentBuilds(
    name: string,
    cursor: string | undefined,
    limit: number,
  ): { data: EnvironmentBuild[]; next_cursor: string | null } | Refusal {
    return this.#environments.builds(name, cursor, limit);
  }

  environmentBuild(name: string, id: string): EnvironmentBuildLog | Refusal {
    return this.#environments.build(name, id);
  }

  recordBuild(sessionId: string, updates: readonly BuildUpdate[]): void {
    this.#environments.report(sessionId, updates);
    this.#checkQuota();
  }

  leaseWorkspace(input: LeaseInput): LeaseAnswer {
    // The session was deleted meanwhile: nobody would release the workspace.
    if (!this.#list.has(input.session_id)) return { leased: false, detail: 'The session was deleted.' };
    return this.#storage.lease(input, Date.now());
  }

  releaseWorkspace(input: LeaseInput, head: Head | null): void {
    this.#storage.release(input, head, Date.now());
  }

  workspaceHead(workspaceId: string): Head | null {
    return this.#storage.head(workspaceId);
  }

  workspace(id: string): WorkspaceView | Refusal {
    return this.#storage.workspace(id);
  }

  workspaces(cursor: string | undefined, limit: number): { data: WorkspaceView[]; next_cursor: string | null } {
    return this.#storage.workspaces(cursor, limit);
  }

  workspaceSnapshots(
    id: string,
    cursor: string | undefined,
    limit: number,
  ): { data: SnapshotView[]; next_cursor: string | null } | Refusal {
    return this.#storage.snapshotsOf(id, cursor, limit);
  }

  async removeWorkspace(id: string): Promise<{ deleted: true } | Refusal> {
    const removed = await this.#storage.removeWorkspace(id);
    this.#checkQuota();
    return removed;
  }

  async recordSnapshot(input: SnapshotInput): Promise<void> {
    // A session that was deleted meanwhile needs no snapshot. A sweep finds this one.
    if (this.#list.has(input.view.session_id)) await this.#storage.recordSnapshot(input, Date.now());
    this.#checkQuota();
  }

  recordArtifact(input: ArtifactInput): boolean {
    if (!this.#list.has(input.session_id)) return false;
    this.#storage.recordArtifact(input);
    this.#checkQuota();
    return true;
  }

  async forgetArtifact(sessionId: string, artifactId: string): Promise<void> {
    await this.#storage.forgetArtifact(sessionId, artifactId);
    this.#checkQuota();
  }

  unreferenced(trees: readonly TreeName[]): TreeName[] {
    return this.#storage.unreferenced(trees);
  }

  keptSnapshots(ids: readonly string[]): string[] {
    return this.#storage.keptSnapshots(ids);
  }

  quotaRefusal(): Refusal | null {
    return this.#storage.quota.refusal();
  }

  storageUsage(): StorageView {
    return this.#storage.quota.usage();
  }

  async #create(id: string, owner: string): Promise<StoredSessionView> {
    const { view, listed } = await this.#creations.create(id, owner);
    this.#update(listed);
    return view;
  }

  #update(listed: VersionedSummary): void {
    const changed = this.#list.update(listed);
    if (changed !== null) this.#feed.sessionChanged(changed.version, changed.summary);
    if (changed?.hasEnded === true) this.#countEnded(listed.summary.reason?.code ?? 'none');
    this.#tree.spent(listed.summary.session_id, listed.summary.total_cost_usd);
    this.#totals.changed();
  }

  /** Counts a session that was parked or has failed, for `GET /metrics`. */
  #countEnded(reason: string): void {
    count('cc_docker_sessions_ended_total', { reason });
    sendTelemetry(this.env, (sending) => this.ctx.waitUntil(sending));
  }

  /** Whether the owner is over the storage quota. When that has changed, the sessions that are active are told. */
  #checkQuota(): QuotaNotice {
    this.#totals.changed();
    return this.#notices.checkQuota();
  }

  async #spawned(id: string, owner: string): Promise<Spawned> {
    const view = await this.#create(id, owner);
    return { view, child: this.#creations.childOf(id) };
  }

  /** Asks those of these sessions that are active for their summaries: the list gets each change a little later. */
  async #refresh(ids: ReadonlySet<string>): Promise<void> {
    const active = this.#list.active().filter((id) => ids.has(id));
    const summaries = await Promise.all(active.map((id) => sessionStub(this.env, id).listed()));
    for (const summary of summaries) if (summary !== null) this.#update(summary);
  }
}
