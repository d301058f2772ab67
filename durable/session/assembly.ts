import { edgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { SharePortInput } from '../../protocol/api/session/port.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { diskOf, isDiskKnown, knownLowDisk } from '../rpc/edge-disk.ts';
import { backgroundRedisOf } from '../../redis/client.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import { count, sendTelemetry } from '../rpc/telemetry/counts.ts';
import type { Outgoing } from '../shared/retrying-call.ts';
import { AgentCalls } from './children/agent-calls.ts';
import { BudgetReports } from './children/budget.ts';
import { SessionChildren } from './children/children.ts';
import { BuildReports } from './container/build-reports.ts';
import { ContainerLink } from './container/link.ts';
import { ListEntry } from './container/list-entry.ts';
import { PlaceRequest } from './container/place-request.ts';
import { StorageQuota } from './container/storage-quota.ts';
import { SharedWorkspace } from './container/shared-workspace.ts';
import { WorkspaceLease } from './container/workspace-lease.ts';
import { countCommitted } from './count-committed.ts';
import { nextDeadline } from './core/life/deadlines.ts';
import { SessionFilesAccess } from './files/access.ts';
import { Artifacts } from './files/artifacts.ts';
import { PlaceWait } from './files/place-wait.ts';
import { Snapshots } from './files/snapshots.ts';
import { Transfers } from './files/transfers.ts';
import { SessionPorts } from './ports/ports.ts';
import { Previews } from './ports/previews.ts';
import { SessionInteractions } from './interactions.ts';
import { SessionMessages } from './messages.ts';
import { ReadyView } from './ready-view.ts';
import { Peers } from './store/peers.ts';
import { SessionStore } from './store/store.ts';
import type { Transaction } from './store/changes/transaction.ts';
import { SessionTerminals } from './terminal/terminals.ts';
import { TurnTraces } from './turn-traces.ts';
import { Tunnel } from './tunnel/tunnel.ts';
import { Batch } from './viewers/batch.ts';
import { DiscordFeed } from './viewers/discord-feed.ts';
import { EventStreams } from './viewers/event-stream.ts';
import { RedisStream } from './viewers/redis-stream.ts';
import { Tickets } from './viewers/tickets.ts';
import { ViewerCount } from './viewers/viewer-count.ts';
import { ViewerSlots } from './viewers/viewer-slots.ts';
import { Viewers } from './viewers/viewers.ts';
import { sessionWebhooks, type WebhookDependencies } from './webhooks/session-webhooks.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

const DAY_MS = 86_400_000;
/** Until a deletion that may have been cut off is looked at again, milliseconds. */
const DELETE_AGAIN_MS = 10_000;

/** Builds the parts of a session, tells them of each committed transaction, and sets the one alarm that they share. */
export class SessionAssembly {
  readonly store: SessionStore;
  readonly peers: Peers;
  readonly link: ContainerLink;
  readonly tunnel: Tunnel;
  readonly terminals: SessionTerminals;
  readonly messages: SessionMessages;
  readonly interactions: SessionInteractions;
  readonly listEntry: ListEntry;
  readonly builds: BuildReports;
  readonly quota: StorageQuota;
  readonly shared: SharedWorkspace;
  readonly snapshots: Snapshots;
  readonly children: SessionChildren;
  readonly transfers: Transfers;
  readonly artifacts: Artifacts;
  readonly discord: DiscordFeed;
  readonly viewers: Viewers;
  readonly tickets: Tickets;
  readonly streams: EventStreams;
  readonly viewerSlots: ViewerSlots;
  readonly webhooks: Webhooks<Transaction>;
  readonly ports: SessionPorts;
  readonly previews: Previews;
  /** All parts that call other objects or post webhooks. */
  readonly #outgoing: readonly Outgoing[];
  readonly #placeWait: PlaceWait;
  readonly #viewerCount: ViewerCount;
  readonly #traces: TurnTraces;
  readonly readyView: ReadyView;
  readonly #ctx: DurableObjectState;
  readonly #env: EdgeEnv;
  #alarmAt: number | null = null;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    this.#ctx = ctx;
    this.#env = env;
    this.readyView = new ReadyView(ctx, env);
    const retry = () => this.setAlarm();
    const store = new SessionStore(ctx.storage, edgeSettings.parse(env), (tx, before) => this.#committed(tx, before));
    const peers = new Peers(env, store);
    this.store = store;
    this.peers = peers;
    this.link = new ContainerLink(
      ctx,
      store,
      (previews) => this.#show(new Batch(previews, store.seq)),
      () => this.tunnel.linked(),
    );
    this.tunnel = new Tunnel({ epoch: () => store.record?.state.epoch ?? 0, ask: () => this.link.askTunnel() });
    this.terminals = new SessionTerminals(store, this.tunnel);
    this.#traces = new TurnTraces(ctx, store);
    const quota = new StorageQuota(store, peers);
    this.quota = quota;
    this.messages = new SessionMessages(store, quota);
    this.interactions = new SessionInteractions(store);
    this.listEntry = new ListEntry(ctx, { store, peers, quota }, retry);
    this.builds = new BuildReports(ctx, { store, peers }, retry);
    const lease = new WorkspaceLease(ctx, store, peers, retry);
    const shared = new SharedWorkspace(ctx, store, peers, retry);
    this.shared = shared;
    const place = new PlaceRequest(ctx, { store, peers, lease, shared }, retry);
    const placeWait = new PlaceWait(store);
    this.#placeWait = placeWait;
    const access = new SessionFilesAccess(store, peers, lease, placeWait);
    const snapshots = new Snapshots(ctx, { store, peers, lease, place: placeWait }, retry);
    this.snapshots = snapshots;
    const children = new SessionChildren(ctx, { store, peers, snapshots, shared }, retry);
    this.children = children;
    this.transfers = new Transfers(access, store.settings.BODY_TIMEOUT);
    const artifacts = new Artifacts(store, peers, this.transfers);
    this.artifacts = artifacts;
    this.discord = new DiscordFeed(ctx, store, peers, retry);
    this.viewers = new Viewers(ctx, store.log, store.interactions);
    this.tickets = new Tickets(store);
    this.streams = new EventStreams(store.log, {
      left: () => this.viewerLeft(),
      sent: (bytes) => count('cc_docker_viewer_bytes_total', { transport: 'sse' }, bytes),
    });
    const viewers = () => this.viewers.count + this.streams.count;
    this.viewerSlots = new ViewerSlots(ctx, { store, peers, count: viewers }, retry);
    this.#viewerCount = new ViewerCount(ctx, env, () => ({
      websocket: this.viewers.count,
      sse: this.streams.count,
    }));
    const ports = new SessionPorts(store);
    this.ports = ports;
    this.previews = new Previews({ store, peers, tunnel: this.tunnel });
    const sharePort = (input: SharePortInput) => ports.shareForAgent(input);
    const redis = backgroundRedisOf(store.settings);
    const hooks = sessionWebhooks(ctx, env, { store, peers, publish: publisherOf(redis) }, retry);
    this.webhooks = hooks.webhooks;
    this.#outgoing = [
      place,
      lease,
      this.listEntry,
      this.builds,
      snapshots,
      shared,
      new BudgetReports(ctx, store, peers, retry),
      children,
      new AgentCalls(ctx, { store, peers, children, artifacts, sharePort }, retry),
      ...hooks.parts,
      this.discord,
      this.viewerSlots,
      new RedisStream(ctx, store, redis, retry),
    ];
    if (store.record !== null) this.readyView.changed(store.record.identity);
    access.recover();
    this.terminals.recover();
  }

  /** Notes in the audit log that the owner has answered over a WebSocket. */
  recordAnswer(interactionId: string, address: string | null): void {
    const { owner: actor, session_id } = this.store.current.identity;
    const entry = { time: Date.now(), actor, action: 'interaction.answered', target: session_id } as const;
    const recorded = this.peers.gate.record({ ...entry, address, detail: `websocket ${interactionId}` });
    // The session's own log has the answer too.
    this.#ctx.waitUntil(recorded.catch((error: unknown) => console.error('audit: an answer is missing', entry, error)));
  }

  /** Asks how full the disk is, when that is not known any more. Frames that come meanwhile wait, and stay in order. */
  async learnDisk(): Promise<void> {
    if (isDiskKnown(this.#env)) return;
    await this.#ctx.blockConcurrencyWhile(async () => {
      // An error in here would end the object, which does not need to know.
      await diskOf(this.#env).catch((error: unknown) =>
        console.error(`session: the disk is not known: ${String(error)}`),
      );
    });
  }

  /** Why no prompt is taken, by what `learnDisk` found; null: it is. */
  knownLowDisk(): Refusal | null {
    return knownLowDisk(this.#env);
  }

  /** The alarm has fired, so none is set. */
  alarmFired(): void {
    this.#alarmAt = null;
  }

  /** Does what is due by time. */
  clock(): void {
    if (this.store.record === null) return;
    this.viewers.clock(Date.now());
    this.#countViewers();
    this.store.change((tx) => tx.clock());
  }

  /** A viewer has come. The alarm is for its pings, for the end of its token, and for its slot. */
  viewerCame(): void {
    this.link.watched();
    this.#countViewers();
    this.setAlarm();
  }

  /** A viewer has gone. If it was the last one, its slots are given back. */
  viewerLeft(): void {
    this.#countViewers();
    this.viewerSlots.send();
    this.setAlarm();
  }

  #countViewers(): void {
    const { record } = this.store;
    if (record !== null) this.#viewerCount.update(record.identity.session_id, Date.now());
  }

  /** When a parked session is deleted because nobody uses it (`SESSION_RETENTION_DAYS`), epoch milliseconds; null: never. */
  expires(): number | null {
    const { last_activity, state, files } = this.store.current;
    // A session that is to be woken is in use.
    if (this.store.wakeups.nextDue() !== null) return null;
    const days = this.store.settings.SESSION_RETENTION_DAYS;
    if (days === 0 || state.container !== 'none' || files.write !== null) return null;
    return last_activity + days * DAY_MS;
  }

  /** The session has changed, or was deleted: calls about its files that wait look again. */
  wakeFileCalls(): void {
    this.snapshots.changed();
    this.#placeWait.changed();
    this.terminals.changed();
  }

  setAlarm(): void {
    // A call that was under way has come back after the session was deleted.
    if (this.store.record === null) return;
    const { state, open_interactions, deleting } = this.store.current;
    const times = [
      nextDeadline(state, this.store.limits),
      open_interactions === 0 ? null : this.store.interactions.nextDue(),
      this.store.wakeups.nextDue(),
      this.store.ports.nextExpiry(),
      this.viewers.nextDue(),
      this.#viewerCount.nextDue(),
      this.store.nextPrune(),
      ...this.#outgoing.map((part) => part.nextTry()),
      this.expires(),
      deleting === true ? Date.now() + DELETE_AGAIN_MS : null,
    ].filter((time) => time !== null);
    if (times.length === 0) return;
    const next = Math.min(...times);
    // An early alarm only looks at the clock, while setting one costs a write.
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    this.#ctx.waitUntil(this.#ctx.storage.setAlarm(next));
  }

  /** Sends viewers what is shown. False: nobody is shown it. */
  #show(batch: Batch): boolean {
    const [byWebSocket, byStream] = [this.viewers.publish(batch), this.streams.publish(batch)];
    return byWebSocket || byStream;
  }

  /** A transaction has been committed: every part that it concerns acts on it. */
  #committed(tx: Transaction, before: number): void {
    this.readyView.changed(tx.record.identity);
    this.link.order(tx.commands);
    // Who looks at a port that is shared no longer sees no more of it, not even over a WebSocket.
    for (const port of tx.ports.unshared) this.tunnel.end(port);
    if (tx.modelPaused !== null) this.link.pauseModel(tx.modelPaused);
    if (tx.stream.length > 0) this.#show(new Batch(tx.stream, before));
    this.discord.show(tx.stream);
    this.messages.finished(tx.finished);
    this.#traces.committed(tx);
    if (countCommitted(tx, before)) sendTelemetry(this.#env, (sending) => this.#ctx.waitUntil(sending));
    for (const part of this.#outgoing) part.send();
    this.wakeFileCalls();
    this.setAlarm();
  }
}

/** Publishes on channels of Redis; null: it is not configured. */
function publisherOf(redis: ReturnType<typeof backgroundRedisOf>): WebhookDependencies['publish'] {
  if (redis === null) return null;
  return async (channel, message) => {
    await redis.use((client) => client.publish(channel, message));
  };
}
