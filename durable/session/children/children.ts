import type { SpawnRequest } from '../../../protocol/api/child.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { CreateSessionRequest } from '../../../protocol/api/session.ts';
import { v7 as uuidV7 } from 'uuid';
import type { SpawnBirth, Webhook } from '../../rpc/creation.ts';
import { childConfigOf } from '../core/children/child-config.ts';
import type { ChildEvent } from '../core/children/child-updates.ts';
import { signingSecret } from '../core/children/delivery.ts';
import { targetRefusal } from '../core/children/webhook-target.ts';
import type { Spawned } from '../../directory/directory.ts';
import type { EdgeEnv } from '../../rpc/edge-env.ts';
import type { SessionCore } from '../store/store.ts';
import type { SessionOutreach } from '../container/launch.ts';
import { inheritsFrom, type SessionSharing } from '../container/shared-workspace.ts';
import type { SessionSnapshots } from '../files/snapshots.ts';
import { Teller } from '../../shared/retrying-call.ts';

/** News that one call carries. */
const MAX_NEWS = 50;

/** Which child it is, as its parent first hears of it. */
export interface ChildIdentity {
  readonly child_id: string;
  readonly title: string | null;
  /** Its first message. */
  readonly message_id: string;
}

export interface SpawnCall {
  readonly child_id: string;
  readonly request: SpawnRequest;
  readonly idempotency_key: string | undefined;
  /** Whether anybody still waits for it: what nobody waits for is not begun, or stopped again. */
  readonly isWanted: () => boolean;
}

/** News as a child tells it: `n` counts them. */
export interface News {
  readonly n: number;
  readonly event: ChildEvent;
}

const UNWANTED: Refusal = { refused: 'unavailable', detail: 'The session was stopped before its child had begun.' };

/** A session's children, and its parent: begins those, and tells this one what becomes of itself. */
export class SessionFamily {
  readonly #env: EdgeEnv;
  readonly #core: SessionCore;
  readonly #outreach: SessionOutreach;
  readonly #snapshots: SessionSnapshots;
  readonly #sharing: SessionSharing;
  readonly #teller: Teller;

  /** @param retry asked to have `tell` called at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    env: EdgeEnv,
    parts: {
      readonly core: SessionCore;
      readonly outreach: SessionOutreach;
      readonly snapshots: SessionSnapshots;
      readonly sharing: SessionSharing;
    },
    retry: () => void,
  ) {
    this.#env = env;
    this.#core = parts.core;
    this.#outreach = parts.outreach;
    this.#snapshots = parts.snapshots;
    this.#sharing = parts.sharing;
    const isDue = () => this.#core.record !== null && !this.#core.news.isEmpty;
    this.#teller = new Teller({ ctx, whom: 'the parent', isDue, tell: () => this.#tellParent(), retry });
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    return this.#teller.nextTry();
  }

  /** Begins a child. The same `child_id`, or the same key with the same request, is the same child. */
  async spawn({ child_id, request, idempotency_key: key, isWanted }: SpawnCall): Promise<Spawned | Refusal> {
    const { directory } = this.#outreach;
    const { identity } = this.#core.current;
    const { session_id, owner, request: own } = identity;
    const asked = JSON.stringify(['spawn', session_id, request]);
    const before = key === undefined ? null : await directory.spawnedBefore(key, asked, owner);
    if (before !== null) return before;
    const narrowed = childConfigOf(own.config, request.config);
    if ('refused' in narrowed) return narrowed;
    const unreachable = this.#unreachable(request);
    if (unreachable !== null) return unreachable;
    // Said at once, and not after a snapshot was taken for nothing.
    const full = await directory.spawnRefusal(session_id);
    if (full !== null) return full;
    const workspace = await this.#workspace(request.workspace.type, child_id);
    if ('refused' in workspace) return workspace;
    if (!isWanted()) return UNWANTED;
    const birth: SpawnBirth = {
      parent: session_id,
      title: request.title ?? null,
      message_id: uuidV7(),
      prompt: request.prompt,
      webhook: webhookOf(request),
      // Its parent's files may be another's themselves.
      inherits: request.workspace.type === 'inherit' ? (inheritsFrom(identity) ?? session_id) : null,
    };
    const spawned = await directory.spawn({
      session_id: child_id,
      owner,
      request: { workspace, config: narrowed.config },
      idempotency_key: key,
      birth,
      asked,
    });
    if ('refused' in spawned) return spawned;
    const { view, birth: born } = spawned;
    if (this.#core.record !== null) {
      const { title, message_id } = born;
      this.#core.change((draft) => draft.family.begun({ child_id: view.session_id, title, message_id }));
    }
    if (!isWanted()) {
      await this.#session(view.session_id).stop(owner);
      return UNWANTED;
    }
    return spawned;
  }

  /** Stops those below, however deep, and those that they have begun meanwhile. */
  async stopBelow(): Promise<void> {
    const { session_id, owner } = this.#core.current.identity;
    const stopped = new Set<string>();
    for (;;) {
      const below = await this.#outreach.directory.below(session_id, false);
      const left = below.filter((id) => !stopped.has(id));
      if (left.length === 0) return;
      await Promise.all(left.map((id) => this.#session(id).stopWithParent(owner)));
      for (const id of left) stopped.add(id);
    }
  }

  /** Deletes those below, the deepest first; from now on there are no new ones. */
  async deleteBelow(): Promise<void> {
    const { session_id, owner } = this.#core.current.identity;
    const below = await this.#outreach.directory.below(session_id, true);
    for (const id of below) await this.#session(id).delete(owner);
  }

  /** What was done below it, however deep, is activity of its own: a tree in which work is done is not forgotten. */
  async noteActivityBelow(): Promise<void> {
    const { directory } = this.#outreach;
    const below = await directory.below(this.#core.current.identity.session_id, false);
    const times = (await directory.summaries(below)).map(({ last_activity }) => Date.parse(last_activity));
    if (this.#core.record === null) return;
    this.#core.change((draft) => {
      draft.record = { ...draft.record, last_activity: Math.max(draft.record.last_activity, ...times) };
    });
  }

  /** The session is being deleted: its parent has one child less. */
  async leave(): Promise<void> {
    const { spawn, session_id } = this.#core.current.identity;
    if (spawn !== null) await this.#session(spawn.parent).childDeleted(session_id);
  }

  /** Tells the parent what there is to tell. */
  tell(): void {
    this.#teller.tell();
  }

  async #tellParent(): Promise<void> {
    const { spawn, session_id } = this.#core.current.identity;
    const news = this.#core.news.next(MAX_NEWS);
    if (spawn !== null) {
      const { title, message_id } = spawn;
      await this.#session(spawn.parent).hearChild({ child_id: session_id, title, message_id }, news);
    }
    const last = news.at(-1);
    if (last !== undefined && this.#core.record !== null) this.#core.news.heard(last.n);
  }

  #unreachable({ callback }: SpawnRequest): Refusal | null {
    if (callback?.type !== 'webhook') return null;
    const message = targetRefusal(callback.url, callback.secret, this.#core.settings.WEBHOOK_ALLOW);
    if (message === null) return null;
    const path = 'callback.url';
    return { refused: 'invalid_request', detail: `${path}: ${message}`, errors: [{ path, message }] };
  }

  /** What a child's files begin with. @param id becomes the snapshot's, if one is taken */
  async #workspace(
    type: SpawnRequest['workspace']['type'],
    id: string,
  ): Promise<CreateSessionRequest['workspace'] | Refusal> {
    if (type === 'inherit') return (await this.#sharing.spawnRefusal()) ?? { type: 'ephemeral' };
    if (type === 'ephemeral') return { type };
    const { identity } = this.#core.current;
    const host = inheritsFrom(identity);
    const source =
      host === null
        ? await this.#snapshots.forFork(id, undefined)
        : await this.#session(host).forkSource(identity.owner, id, undefined);
    return 'refused' in source ? source : { type: 'ephemeral', snapshot: source.snapshot_id };
  }

  #session(id: string) {
    return this.#env.SESSION.get(this.#env.SESSION.idFromName(id));
  }
}

function webhookOf({ callback }: SpawnRequest): Webhook | null {
  if (callback?.type !== 'webhook') return null;
  return { url: callback.url, secret: callback.secret ?? signingSecret(crypto.getRandomValues(new Uint8Array(32))) };
}
