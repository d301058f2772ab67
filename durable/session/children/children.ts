import type { SpawnRequest } from '../../../protocol/api/session/child.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { CreateSessionRequest } from '../../../protocol/api/session/session.ts';
import { v7 as uuidV7 } from 'uuid';
import { withoutRedis } from '../../../protocol/settings/redis-settings.ts';
import type { ChildCreation, SpawnCall, Spawned } from '../../rpc/session/creation.ts';
import { receiverOf, type Receiver } from '../../shared/webhooks/receiver.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { SharedWorkspace } from '../container/shared-workspace.ts';
import { childConfigOf } from '../core/children/child-config.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { promptBytes, queueExcess } from '../core/queue-bound.ts';
import { inheritsFrom } from '../core/identity.ts';
import { presentConfig, settingsOf } from '../core/settings/live-settings.ts';
import type { Snapshots } from '../files/snapshots.ts';
import type { Peers } from '../store/peers.ts';
import { traceOfRunningTurn } from '../store/messages/turn-trace.ts';
import type { SessionStore } from '../store/store.ts';

/** Most updates in one call. */
const MAX_UPDATES = 50;

/** A call to create a child, with a check whether its caller still waits. */
export interface WantedSpawnCall extends SpawnCall {
  /** False: the caller no longer waits. The child is then not created, or is stopped again. */
  readonly isWanted: () => boolean;
}

const UNWANTED: Refusal = { refused: 'unavailable', detail: 'The session was stopped before its child had begun.' };

/** A session's relations in the tree: creates its children, and sends its updates to its parent. */
export class SessionChildren implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #snapshots: Snapshots;
  readonly #shared: SharedWorkspace;
  readonly #call: RetryingCall;

  /** @param retry schedules a call of `send` at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    parts: {
      readonly store: SessionStore;
      readonly peers: Peers;
      readonly snapshots: Snapshots;
      readonly shared: SharedWorkspace;
    },
    retry: () => void,
  ) {
    this.#store = parts.store;
    this.#peers = parts.peers;
    this.#snapshots = parts.snapshots;
    this.#shared = parts.shared;
    const isDue = () => this.#store.record !== null && !this.#store.parentUpdates.isEmpty;
    this.#call = new RetryingCall({ ctx, whom: 'the parent', isDue, send: () => this.#sendUpdates(), retry });
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  /** Creates a child. Idempotent: the same `child_id`, or the same key with the same request, is the same child. */
  async spawn({
    child_id,
    request,
    idempotency_key: key,
    traceparent,
    origin,
    isWanted,
  }: WantedSpawnCall): Promise<Spawned | Refusal> {
    const { directory } = this.#peers;
    const { identity, live } = this.#store.current;
    const { session_id, owner } = identity;
    const asked = JSON.stringify(['spawn', session_id, { ...request, prompt: fingerprint(request.prompt) }]);
    const earlier = key === undefined ? null : await directory.spawnedBefore(key, asked, owner);
    if (earlier !== null) return earlier;
    const narrowed = childConfigOf(presentConfig(identity, live), request.config);
    if ('refused' in narrowed) return narrowed;
    const tooMuch = queueExcess(0, promptBytes(request.prompt), this.#store.settings);
    if (tooMuch !== null) return tooMuch;
    const webhook = this.#webhookOf(request, origin);
    if (webhook !== null && 'refused' in webhook) return webhook;
    // Checked early, so that no snapshot is taken for a child that is refused.
    const refused = await directory.spawnRefusal(session_id);
    if (refused !== null) return refused;
    const workspace = await this.#workspace(request.workspace.type, child_id);
    if ('refused' in workspace) return workspace;
    if (!isWanted()) return UNWANTED;
    const child: ChildCreation = {
      parent: session_id,
      title: request.title ?? null,
      message_id: uuidV7(),
      webhook,
      ...channelOf(request, session_id),
      // The parent may itself work in another session's files. The child then works in those.
      inherits: request.workspace.type === 'inherit' ? (inheritsFrom(identity) ?? session_id) : null,
    };
    const spawned = await directory.spawn({
      session_id: child_id,
      owner,
      request: { workspace, config: narrowed.config },
      idempotency_key: key,
      ...(identity.author && { author: identity.author }),
      ...(identity.origin !== undefined && { origin: identity.origin }),
      traceparent: traceparent ?? traceOfRunningTurn(this.#store, this.#store.current.state),
      child,
      inherited: this.#store.environment.get(),
      prompt: request.prompt,
      asked,
    });
    if ('refused' in spawned) return spawned;
    const { view } = spawned;
    const { title, message_id } = spawned.child;
    this.#store.changeIfPresent((tx) => tx.children.created({ child_id: view.session_id, title, message_id }));
    if (!isWanted()) {
      await this.#peers.session(view.session_id).stop(owner);
      return UNWANTED;
    }
    return spawned;
  }

  /** Stops all descendants, also those that are created meanwhile. */
  async stopBelow(): Promise<void> {
    const { session_id, owner } = this.#store.current.identity;
    const stopped = new Set<string>();
    for (;;) {
      const below = await this.#peers.directory.descendants(session_id, false);
      const left = below.filter((id) => !stopped.has(id));
      if (left.length === 0) return;
      await Promise.all(left.map((id) => this.#peers.session(id).stopWithParent(owner)));
      for (const id of left) stopped.add(id);
    }
  }

  /** Deletes all descendants, the deepest first. From now on none can be created. */
  async deleteBelow(): Promise<void> {
    const { session_id, owner } = this.#store.current.identity;
    const below = await this.#peers.directory.descendants(session_id, true);
    for (const id of below) await this.#peers.session(id).delete(owner);
  }

  /** Counts the descendants' activity as the session's own, so that retention deletes no tree that is still active. */
  async noteActivityBelow(): Promise<void> {
    const { directory } = this.#peers;
    const below = await directory.descendants(this.#store.current.identity.session_id, false);
    const times = (await directory.summaries(below)).map(({ last_activity }) => Date.parse(last_activity));
    const { owner } = this.#store.current.identity;
    const wakeups = await Promise.all(below.map(async (id) => await this.#peers.session(id).wakeups(owner)));
    // A session that is to be woken is in use now.
    if (wakeups.some((waiting) => !('refused' in waiting) && waiting.length > 0)) times.push(Date.now());
    this.#store.changeIfPresent((tx) => {
      tx.record = { ...tx.record, last_activity: Math.max(tx.record.last_activity, ...times) };
    });
  }

  /** Notifies the parent that this session is being deleted. */
  async detach(): Promise<void> {
    const { spawn, session_id } = this.#store.current.identity;
    if (spawn !== null) await this.#peers.session(spawn.parent).childDeleted(session_id);
  }

  /** Sends the parent the updates that are due. */
  send(): void {
    this.#call.send();
  }

  async #sendUpdates(): Promise<void> {
    const { identity, live } = this.#store.current;
    const { spawn, session_id } = identity;
    const updates = this.#store.parentUpdates.next(MAX_UPDATES);
    if (spawn !== null) {
      const { message_id } = spawn;
      const { title } = settingsOf(identity, live);
      await this.#peers.session(spawn.parent).childUpdated({ child_id: session_id, title, message_id }, updates);
    }
    const last = updates.at(-1);
    if (last !== undefined && this.#store.record !== null) this.#store.parentUpdates.delivered(last.n);
  }

  /** The receiver that the child's callback names; null: it names none. */
  #webhookOf({ callback }: SpawnRequest, origin: string | undefined): Receiver | Refusal | null {
    if (callback === undefined) return null;
    const { settings } = this.#store;
    if (callback.type === 'pubsub') return withoutRedis(settings, 'A callback of the type pubsub');
    const { type: _webhook, ...target } = callback;
    const random = crypto.getRandomValues(new Uint8Array(32));
    const made = receiverOf(target, { path: 'callback.', origin, allow: settings.WEBHOOK_ALLOW, random });
    return 'refused' in made ? made : made.receiver;
  }

  /**
   * The workspace that a child starts with.
   *
   * @param id the id for the snapshot, if the child needs one
   */
  async #workspace(
    type: SpawnRequest['workspace']['type'],
    id: string,
  ): Promise<CreateSessionRequest['workspace'] | Refusal> {
    if (type === 'inherit') return (await this.#shared.spawnRefusal()) ?? { type: 'ephemeral' };
    if (type === 'ephemeral') return { type };
    const { identity } = this.#store.current;
    const host = inheritsFrom(identity);
    const source =
      host === null
        ? await this.#snapshots.forFork(id, undefined)
        : await this.#peers.session(host).forkSource(identity.owner, id, undefined);
    return 'refused' in source ? source : { type: 'ephemeral', snapshot: source.snapshot_id };
  }
}

/** The seed's name for it, unless the request has another. */
function channelOf({ callback }: SpawnRequest, parent: string): Pick<ChildCreation, 'channel'> {
  if (callback?.type !== 'pubsub') return {};
  return { channel: callback.channel ?? `session:${parent}:children` };
}
