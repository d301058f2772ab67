import type { ArtifactView } from '../../../protocol/api/files/artifact.ts';
import type { DeliveryState, DeliveryView } from '../../../protocol/api/webhook.ts';
import type { FilesRefusal } from '../../../protocol/api/files/files.ts';
import type { InteractionState, InteractionView, ResolveRequest } from '../../../protocol/api/session/interaction.ts';
import type {
  Delivery,
  InterruptAnswer,
  MessageStatus,
  MessageView,
  WakeupView,
} from '../../../protocol/api/session/message.ts';
import type { PortList, PortView, SharePortRequest } from '../../../protocol/api/session/port.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { JsonText } from '../../../protocol/json-text.ts';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import type {
  ChangeSessionRequest,
  CreateSessionRequest,
  SessionStatus,
} from '../../../protocol/api/session/session.ts';
import type { SnapshotView } from '../../../protocol/api/files/workspace.ts';
import type { SnapshotReport } from '../../../protocol/link/runner-control.ts';
import type { Prompt } from '../../../protocol/content/blocks.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { FrozenEnvironment } from '../../shared/environments/frozen.ts';
import type { Revocation } from '../../shared/tokens/revocation.ts';
import type { FilesShare } from '../../session/core/shared-files.ts';
import type { EventPlace } from '../../session/core/shown.ts';
import type { Caller } from '../caller.ts';
import type { ChildIdentity, ChildUpdate } from './child-updates.ts';
import type { CreateCall, SpawnCall, Spawned } from './creation.ts';
import type { QuotaNotice, VersionedVerdict } from '../directory/reports.ts';
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
} from './views.ts';

/** What of a session's deliveries is asked for. */
export interface DeliveryPageQuery {
  readonly state: DeliveryState | undefined;
  /** The id of the last one of the page before. */
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** A message for the agent. */
export interface PromptInput {
  readonly message_id: string;
  readonly prompt: Prompt;
  readonly timeout_seconds: number | undefined;
  readonly idempotency_key: string | undefined;
  /** Absent: `queue`. */
  readonly delivery?: Delivery;
  /** Absent: `user`. */
  readonly origin?: 'user' | 'parent';
  /** The `traceparent` of the call that it came with; absent: of none that is traced. */
  readonly traceparent?: string | undefined;
}

/** What a fork begins with. */
export interface ForkSource {
  readonly request: CreateSessionRequest;
  readonly snapshot_id: string;
  readonly conversation_id: string;
  /** What the session keeps of its environment; null: it has none. */
  readonly environment: FrozenEnvironment | null;
}

/** What a waiting call waits for. */
export type WaitFor = 'turn' | 'settled';

/** How the container is limited, and which secrets the operator lets into it. */
export interface ContainerFacts {
  readonly resources: Resources | null;
  readonly exposed_secrets: readonly string[];
}

/** What handlers and other objects may ask of a session. `owner` is the caller: another owner's session is not found. */
export interface SessionRpc extends Rpc.DurableObjectBranded {
  /** Creates the session and asks for its container. The same id again changes nothing. */
  create(call: CreateCall): { view: StoredSessionView; listed: VersionedSummary };
  show(owner: string): StoredSessionView | Refusal;
  /** What `show` says, as text: for a handler that passes it on. */
  showText(owner: string): JsonText<StoredSessionView> | Refusal;
  /** `seq` of the newest event. */
  lastSeq(owner: string): number | Refusal;
  /** As its owner's list shows it; null: it is deleted. */
  listed(): VersionedSummary | null;
  /** What waits for people in it; null: it is deleted. */
  inbox(): VersionedInbox | null;
  /** Ends the session and all below it, and removes what they stored. May be called again until it succeeds. */
  delete(owner: string): Promise<{ deleted: true } | Refusal>;
  /** Stops it, and all below it. */
  stop(owner: string): Promise<{ session_id: string; status: SessionStatus } | Refusal>;
  /** A session above it is stopped, and stops those below it. */
  stopWithParent(owner: string): Promise<void>;

  chat(owner: string, input: PromptInput): Promise<{ message_id: string } | Refusal>;
  /**
   * Takes a message and resolves once its turn has ended or it has settled, or when its timeout is over. May be called again
   * with the same `message_id`.
   */
  chatAndWait(owner: string, input: PromptInput, wait: WaitFor): Promise<MessageView | Refusal>;
  message(owner: string, messageId: string): MessageView | Refusal;
  /** The oldest first. `cursor` as the page before gave it. */
  messages(owner: string, status: MessageStatus | undefined, cursor: number, limit: number): MessagePage | Refusal;
  /** Withdraws a message that was not handed over. */
  withdraw(owner: string, messageId: string): MessageView | Refusal;
  /** Turns that have ended, the oldest first. `cursor` as the page before gave it. */
  turns(owner: string, cursor: number, limit: number): TurnPage | Refusal;
  /** The wake-ups that the agent has scheduled, the next one first. */
  wakeups(owner: string): readonly WakeupView[] | Refusal;
  cancelWakeup(owner: string, id: string): { canceled: true } | Refusal;
  /** What is shared of its ports, and what listens. @param origin at which the caller reached the service */
  ports(owner: string, origin: string): Promise<PortList | Refusal>;
  /** Shares a port; one that is shared keeps its URL, and its time begins anew. */
  sharePort(owner: string, request: SharePortRequest, origin: string): Promise<PortView | Refusal>;
  unsharePort(owner: string, port: number): { unshared: true } | Refusal;
  /** Ends what runs; `background`: what runs in the background too. */
  interrupt(owner: string, background: boolean): InterruptAnswer | Refusal;
  /** A ticket, with which the caller makes one call without a token. */
  mintTicket(caller: Caller): Promise<{ ticket: string; expires_at: string } | Refusal>;
  /** Uses a ticket. Null: it is none, was used, or has expired. */
  takeTicket(ticket: string): Promise<Caller | null>;
  /** Ends the streams of tokens that are revoked. */
  tokensRevoked(what: Revocation): void;
  /** A page of the log as JSON in UTF-8, `{"data":[…],"next_cursor":…}`, with the events as they were stored. */
  events(owner: string, after: number, limit: number): { json: Uint8Array } | Refusal;
  eventsAt(owner: string, place: EventPlace, limit: number): { json: Uint8Array } | Refusal;

  /** What people are and were asked, the oldest first. `cursor` is the last id of the page before. `person` need not be the owner. */
  interactions(
    person: string,
    state: InteractionState | undefined,
    limit: number,
    cursor: string | undefined,
  ): InteractionPage | Refusal;
  interaction(person: string, id: string): InteractionView | Refusal;
  resolve(person: string, id: string, request: ResolveRequest): InteractionView | Refusal;
  /** The interaction that a link answers, which its token has proved. The answer itself is given by `resolve`, in the owner's name. */
  linked(id: string): LinkedInteraction | Refusal;

  /** What its webhooks have posted and are to post, the newest first. */
  deliveries(owner: string, query: DeliveryPageQuery): DeliveryPage | Refusal;
  /** Posts a delivery again, or now if it waits. */
  redeliver(owner: string, id: string): DeliveryView | Refusal;

  /** Asks for a snapshot. `id` becomes its own, unless a snapshot of just these files exists already. */
  requestSnapshot(owner: string, id: string): Promise<SnapshotView | Refusal>;
  listSnapshots(owner: string, cursor: string | undefined, limit: number): Promise<SnapshotPage | Refusal>;
  snapshot(owner: string, id: string): Promise<SnapshotView | Refusal>;
  /** What a fork of this session begins with, once it is stored: the snapshot `named`, or a new one (`id`). */
  forkSource(owner: string, id: string, named: string | undefined): Promise<ForkSource | Refusal>;
  /** Files that the agent has given to people, the oldest first. `cursor` as the page before gave it. */
  artifacts(owner: string, cursor: number, limit: number): ArtifactPage | Refusal;
  artifact(owner: string, id: string): ArtifactView | Refusal;
  removeArtifact(owner: string, id: string): Promise<{ deleted: true } | Refusal>;

  /** Creates a child. */
  spawn(owner: string, call: SpawnCall): Promise<Spawned | Refusal>;
  /** The sessions that it has created, the oldest first. */
  children(owner: string): readonly string[] | Refusal;
  /** Changes its settings, or what it and all below it may cost. */
  change(owner: string, change: ChangeSessionRequest): Promise<StoredSessionView | Refusal>;
  /** Its state, for its parent's agent. */
  childLine(owner: string): ChildLine | Refusal;
  /** What became of a message, or of its newest, for its parent's agent. */
  childOutcome(owner: string, messageId: string | undefined): ChildOutcome | Refusal;
  /** A child reports what has become of it. */
  childUpdated(child: ChildIdentity, updates: readonly ChildUpdate[]): void;
  childDeleted(childId: string): void;
  /** Whether the container of a session below it may work in this one's files now, and where. */
  shareFiles(owner: string): FilesShare;
  /** A session below it has a container that works in this one's files, or no longer has one. */
  sharedBy(sessionId: string, shares: boolean): void;

  /** From now on its work is shown on Discord, in a thread of its own. */
  followOnDiscord(owner: string): void;
  /** The owner's budget ledger says whether turns may begin. */
  setTurnPermit(verdict: VersionedVerdict): void;
  /** The owner has come over the storage quota, or has room again. */
  setQuota(notice: QuotaNotice): void;
  /** The pool has sent the launch of `epoch` to a runner. */
  placed(epoch: number, runner: string): void;
  /** The pool has no place yet. */
  waiting(epoch: number, reason: Reason): void;
  /** Other sessions wait for a place, or no longer do. */
  crowded(epoch: number, crowded: boolean): void;
  /** The runner that has the container of `epoch` is being drained, or no longer is. */
  draining(epoch: number, draining: boolean): void;
  /** The container of `epoch` runs. */
  started(epoch: number, runner: string, container: ContainerFacts): void;
  /** The container of `epoch` is gone, and all that it said is stored. */
  ended(epoch: number, reason: Reason, runner: string): void;
  /** A runner reports on a snapshot. */
  snapshotReported(report: SnapshotReport): void;
  /** The runner that was to make a transfer says that it will not. */
  transferRefused(transferId: string, runner: string, refusal: FilesRefusal): Promise<void>;
}
