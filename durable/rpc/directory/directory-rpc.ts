import type { SessionTree } from '../../../protocol/api/session/child.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { SnapshotView, StorageView, WorkspaceView } from '../../../protocol/api/files/workspace.ts';
import type { PushSubscriptionView, PushTested } from '../../../protocol/api/push.ts';
import type { DeliveryView, WebhookView } from '../../../protocol/api/webhook.ts';
import type {
  EnvironmentBuild,
  EnvironmentBuildLog,
  EnvironmentRequest,
  EnvironmentView,
} from '../../../protocol/api/environment.ts';
import type { BuildUpdate } from '../../shared/environments/build-update.ts';
import type { Revocation } from '../../shared/tokens/revocation.ts';
import type { OwnerWebhooks } from '../session/owner-webhooks.ts';
import type { TreeName } from '../../../protocol/link/runner-control.ts';
import type { Head } from '../../shared/trees.ts';
import type { Created, Spawned } from '../session/creation.ts';
import type { StoredSessionView, StoredSummary, VersionedInbox, VersionedSummary } from '../session/views.ts';
import type { CreateInput, SpawnInput } from './creation-input.ts';
import type { ListInput, ListPage, SummaryText, DeliveryQuery, InboxQuery, InboxPage, FeedPage } from './lists.ts';
import type {
  SpendingReport,
  VersionedVerdict,
  QuotaNotice,
  SnapshotInput,
  ArtifactInput,
  LeaseInput,
  LeaseAnswer,
  ViewersInput,
} from './reports.ts';
import type { WebhookInput, PushInput } from './receivers.ts';

/** What handlers and sessions may ask of an owner's directory. */
export interface DirectoryRpc extends Rpc.DurableObjectBranded {
  /** Reserves a place among the owner's sessions and creates one. The same key with the same body is the same session. */
  create(input: CreateInput): Promise<Created | Refusal>;
  /** The fork that this key created from the same request; null: none yet. */
  forked(key: string, asked: string, owner: string): Promise<StoredSessionView | Refusal | null>;
  /** As `create`, for a session's child: it reserves the child's place in the tree as well. */
  spawn(input: SpawnInput): Promise<Spawned | Refusal>;
  /** The child that this key created from the same request; null: none yet. */
  spawnedBefore(key: string, asked: string, owner: string): Promise<Spawned | Refusal | null>;
  /** Why a session may not have one more child; null: it may. */
  spawnRefusal(parentId: string): Refusal | null;

  /** Whether the owner has this session. */
  has(sessionId: string): boolean;
  list(input: ListInput): ListPage;
  /** As `list`, with each summary as text: for a handler that passes it on. */
  listTexts(input: ListInput): ListPage<SummaryText>;
  /** Those of these sessions that exist, the oldest first. */
  summaries(ids: readonly string[]): Promise<StoredSummary[]>;
  /**
   * A session has changed, or what it stores has. A late update, or one of a removed session, changes nothing.
   *
   * @param storedBytes the size of its database
   * @param inbox what waits for people in it; null: that has not changed since the last report that was taken
   */
  update(summary: VersionedSummary, storedBytes: number, inbox: VersionedInbox | null): QuotaNotice;
  /** The session is deleted. What it stored goes too, unless another session needs it. */
  remove(sessionId: string): Promise<void>;

  /** Whether a session is below another one, however deep. */
  isBelow(sessionId: string, ancestor: string): boolean;
  /** The sessions below a session, the deepest first. `closing`: from now on it and they get no more children. */
  descendants(sessionId: string, closing: boolean): string[];
  tree(sessionId: string): Promise<SessionTree>;
  /** Takes what a session has spent; the answer says whether it may go on. Null: there is no such session. */
  reportSpending(report: SpendingReport): VersionedVerdict | null;
  /** Sets what a session and all below it may cost, USD; null: no limit of its own. */
  setBudget(sessionId: string, budget: number | null): void;

  /** A session takes slots for its viewers, or gives them back. The answer is how many it has now. */
  holdViewers(input: ViewersInput): number;

  /** What waits for people in all sessions, the oldest first. */
  inbox(query: InboxQuery): Promise<InboxPage>;
  /** Changes of the list and of what waits, after a cursor. */
  feedPage(after: number): Promise<FeedPage>;
  /** Ends the streams of the feed whose tokens are revoked, and removes devices that were set up with them. `owner`: whose directory it is. */
  feedRevoked(what: Revocation, owner: string): void;

  /** Sets up a webhook for all sessions of the owner, or replaces it. */
  setWebhook(input: WebhookInput): WebhookView | Refusal;
  webhooks(): WebhookView[];
  webhook(name: string): WebhookView | Refusal;
  removeWebhook(name: string): { deleted: true } | Refusal;
  /** All webhooks and devices, with their secrets, for a session that knows them as they were at `version`; null: they have not changed. */
  webhooksSince(version: number | null): OwnerWebhooks | null;
  /** Adds a device that sessions push to, or says anew how and of what it hears. */
  setPush(input: PushInput): Promise<PushSubscriptionView | Refusal>;
  /** The newest first. */
  pushes(): PushSubscriptionView[];
  removePush(id: string): { deleted: true } | Refusal;
  /** Sends a device a test message. */
  testPush(id: string): Promise<PushTested | Refusal>;
  /** The push service knows this subscription no more. */
  pushEnded(id: string, endpoint: string): void;
  /** A session reports deliveries that have changed. */
  deliveriesChanged(sessionId: string, views: readonly Omit<DeliveryView, 'session_id'>[]): void;
  /** Deliveries of all sessions, the newest first. */
  deliveries(query: DeliveryQuery): { data: DeliveryView[]; next_cursor: string | null };
  /** The session that has a delivery. */
  sessionOfDelivery(id: string): string | null;

  /** Sets up an environment, or replaces it. */
  setEnvironment(name: string, request: EnvironmentRequest): Promise<EnvironmentView | Refusal>;
  /** The owner's environments and the operator's, by name. */
  environments(): EnvironmentView[];
  environment(name: string): EnvironmentView | Refusal;
  removeEnvironment(name: string): { deleted: true } | Refusal;
  /** Builds of an environment, the newest first. */
  environmentBuilds(
    name: string,
    cursor: string | undefined,
    limit: number,
  ): { data: EnvironmentBuild[]; next_cursor: string | null } | Refusal;
  environmentBuild(name: string, id: string): EnvironmentBuildLog | Refusal;
  /** A session reports on the builds that it waits for. */
  recordBuild(sessionId: string, updates: readonly BuildUpdate[]): void;

  /** Leases a persistent workspace to a session. */
  leaseWorkspace(input: LeaseInput): LeaseAnswer;
  releaseWorkspace(input: LeaseInput, head: Head | null): void;
  /** The newest snapshot of a workspace, without leasing it; null: none. */
  workspaceHead(workspaceId: string): Head | null;
  workspace(id: string): WorkspaceView | Refusal;
  workspaces(cursor: string | undefined, limit: number): { data: WorkspaceView[]; next_cursor: string | null };
  workspaceSnapshots(
    id: string,
    cursor: string | undefined,
    limit: number,
  ): { data: SnapshotView[]; next_cursor: string | null } | Refusal;
  removeWorkspace(id: string): Promise<{ deleted: true } | Refusal>;

  /** A session's snapshot has been stored. */
  recordSnapshot(input: SnapshotInput): Promise<void>;
  /** A session's artifact has been stored. False: the session is gone and needs it no more. */
  recordArtifact(input: ArtifactInput): boolean;
  forgetArtifact(sessionId: string, artifactId: string): Promise<void>;
  /** Those of these trees that nothing needs any more. */
  unreferenced(trees: readonly TreeName[]): TreeName[];
  /** Those of these snapshots that are kept. */
  keptSnapshots(ids: readonly string[]): string[];
  /** Why nothing more may be stored; null: there is room. */
  quotaRefusal(): Refusal | null;
  storageUsage(): StorageView;
}
