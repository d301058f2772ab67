import type { SessionTree } from '../../protocol/api/session/child.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { CreateSessionRequest, SessionStatus } from '../../protocol/api/session/session.ts';
import type { SnapshotView, StorageView, WorkspaceView } from '../../protocol/api/files/workspace.ts';
import type { PushSubscriptionRequest, PushSubscriptionView, PushTested } from '../../protocol/api/push.ts';
import type { DeliveryState, DeliveryView, WebhookRequest, WebhookView } from '../../protocol/api/webhook.ts';
import type {
  EnvironmentBuild,
  EnvironmentBuildLog,
  EnvironmentRequest,
  EnvironmentView,
} from '../../protocol/api/environment.ts';
import type { BuildUpdate } from '../shared/environments/build-update.ts';
import type { InteractionSubject, WaitingInteraction } from '../../protocol/api/session/interaction.ts';
import type { FeedEvent } from '../../protocol/api/feed.ts';
import type { Revocation, TokenMark } from '../shared/tokens/revocation.ts';
import type { OwnerWebhooks } from './session/owner-webhooks.ts';
import type { Prompt } from '../../protocol/content/blocks.ts';
import type { NamedAuthor } from '../../protocol/git/git-author.ts';
import type { JsonText } from '../../protocol/json-text.ts';
import type { TreeName } from '../../protocol/link/runner-control.ts';
import type { FrozenEnvironment } from '../shared/environments/frozen.ts';
import type { Head } from '../shared/trees.ts';
import type { Verdict } from '../shared/turn-permit.ts';
import type { ChildCreation, Created, Spawned } from './session/creation.ts';
import type { StoredSessionView, StoredSummary, VersionedInbox, VersionedSummary } from './session/views.ts';

export interface CreateInput {
  readonly session_id: string;
  readonly owner: string;
  readonly request: CreateSessionRequest;
  readonly idempotency_key: string | undefined;
  /** The author of its commits, as its creator's token names them. Absent: it does not. */
  readonly author?: NamedAuthor;
  /** Where in a trace it is created. Absent: in none. */
  readonly traceparent?: string | undefined;
  /**
   * Of a child or a fork: what its parent keeps of its environment, which it keeps too; null: nothing. Absent: its request may name
   * one.
   */
  readonly inherited?: FrozenEnvironment | null;
  /** The origin at which the caller reached the service. Absent: it was none that links can lead to. */
  readonly origin?: string;
  /** It begins as a fork; `asked` is the caller's request as text, which is kept with the key. */
  readonly fork?: ForkOrigin & { readonly asked: string };
}

/** The snapshot that a session is forked from. */
export interface ForkOrigin {
  readonly session_id: string;
  readonly snapshot_id: string;
  /** Claude Code's id of the conversation that the snapshot holds. */
  readonly conversation_id: string;
}

/** A child to create. */
export interface SpawnInput extends Pick<
  CreateInput,
  'session_id' | 'owner' | 'request' | 'idempotency_key' | 'author' | 'origin' | 'traceparent' | 'inherited'
> {
  readonly child: ChildCreation;
  /** Its first prompt. */
  readonly prompt: Prompt;
  /** The caller's request as text, which is kept with the key. */
  readonly asked: string;
}

export interface ListInput {
  readonly status: SessionStatus | undefined;
  readonly limit: number;
  /** Rows to skip: the seed's way of paging. */
  readonly offset: number;
  /** The id of the last session of the page before. */
  readonly cursor: string | undefined;
  /** Only this session and those below it; null: all. */
  readonly within: string | null;
}

export interface ListPage<Data = StoredSummary> {
  readonly data: Data[];
  readonly next_cursor: string | null;
  readonly total: number;
}

/** A session's summary as text, and its id. */
export interface SummaryText {
  readonly id: string;
  readonly summary: JsonText<StoredSummary>;
}

/** What a session has spent, and whether a turn of it runs or waits. */
export interface SpendingReport {
  readonly session_id: string;
  /** In all, USD. */
  readonly cost_usd: number;
  readonly turn: 'none' | 'wanted' | 'running';
}

/** A verdict as a session receives it. Of two, the one with the higher version holds. */
export interface VersionedVerdict {
  readonly version: number;
  readonly verdict: Verdict;
}

/** What a session knows of its owner's storage quota. Of two, the one with the higher version holds. */
export interface QuotaNotice {
  readonly version: number;
  /** What takes the room, and what to do; null: there is room. */
  readonly over: string | null;
}

/** A stored snapshot as its session reports it. */
export interface SnapshotInput {
  readonly view: SnapshotView;
  readonly storage: string;
  /** It is the session's newest: the head of the workspace that the session leases. */
  readonly newest: boolean;
  /** What the owner's part of that storage takes, bytes; null: not measured. */
  readonly owner_bytes: number | null;
  /** All stored trees that the session needs. */
  readonly uses: readonly TreeName[];
}

/** A stored artifact as its session reports it. */
export interface ArtifactInput {
  readonly session_id: string;
  readonly artifact_id: string;
  readonly storage: string;
  /** What the owner's part of that storage takes, bytes; null: not measured. */
  readonly owner_bytes: number | null;
}

export interface LeaseInput {
  readonly session_id: string;
  readonly workspace_id: string;
  /** Of the session's files. A request that a newer one has overtaken changes nothing. */
  readonly version: number;
}

/** How long a session's viewer slots are its own unless it asks again, milliseconds. */
export const VIEWER_LEASE_MS = 120_000;

/** A session's viewers, as it reports them. */
export interface ViewersInput {
  readonly session_id: string;
  /** Those that are connected. They keep their slots in any case. */
  readonly open: number;
  /** The slots that it would like to have in all. */
  readonly wanted: number;
}

export type LeaseAnswer =
  | { readonly leased: true; readonly head: Head | null }
  /** `detail` says who has it, and what to do. */
  | { readonly leased: false; readonly detail: string };

/** An owner's webhook to set up, or to replace. */
export interface WebhookInput {
  readonly name: string;
  readonly request: WebhookRequest;
  /** The origin at which the owner reached the service. */
  readonly origin: string;
}

/** A device of an owner to push to, or what has changed of it. */
export interface PushInput {
  readonly id: string;
  readonly request: PushSubscriptionRequest;
  /** The origin at which the owner reached the service. */
  readonly origin: string;
  /** The caller's. */
  readonly token: TokenMark;
}

/** What of the owner's list of deliveries is asked for. */
export interface DeliveryQuery {
  readonly state: DeliveryState | undefined;
  readonly webhook: string | undefined;
  /** The id of the last one of the page before. */
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** What of all that waits for people is asked for. */
export interface InboxQuery {
  readonly kind: InteractionSubject['kind'] | undefined;
  readonly session_id: string | undefined;
  /** As the page before gave it. */
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** A page of what waits. As text: a tool's input may be any JSON, which no type of an answer's can say. */
export interface InboxPage {
  readonly data: JsonText<WaitingInteraction[]>;
  readonly next_cursor: string | null;
}

/** Some of the feed's events. As text, for the same reason. */
export interface FeedPage {
  readonly data: JsonText<FeedEvent[]>;
  /** The next `after`; null: that is all. */
  readonly next_cursor: string | null;
  /** The cursor of the last change. */
  readonly last_cursor: number;
}

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
