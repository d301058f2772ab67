import { edgeSettings } from '../../protocol/settings/edge-settings.ts';
import { AgentCalls } from './children/agent-calls.ts';
import { ContainerLink } from './container/link.ts';
import { nextDeadline } from './core/machine.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import { EventStreams } from './viewers/event-stream.ts';
import { SessionArtifacts } from './files/artifacts.ts';
import { SessionBudget } from './children/budget.ts';
import { SessionDiscord } from './viewers/discord-feed.ts';
import { SessionCore } from './store/store.ts';
import type { SessionDraft } from './store/transaction.ts';
import { SessionFamily } from './children/children.ts';
import { SessionFilesDesk } from './files/access.ts';
import { SessionMessages } from './messages.ts';
import { SessionOutreach } from './container/launch.ts';
import { SessionPeople } from './interactions.ts';
import { SessionSharing } from './container/shared-workspace.ts';
import { SessionSnapshots } from './files/snapshots.ts';
import { Transfers } from './files/transfers.ts';
import { Viewers } from './viewers/viewers.ts';
import { publicInternet, Webhooks } from './children/webhooks.ts';

const DAY_MS = 86_400_000;

/** What a session consists of, how its parts are told of a change, and when they are looked at again. */
export class SessionParts {
  readonly core: SessionCore;
  readonly link: ContainerLink;
  readonly messages: SessionMessages;
  readonly people: SessionPeople;
  readonly sharing: SessionSharing;
  readonly outreach: SessionOutreach;
  readonly files: SessionFilesDesk;
  readonly snapshots: SessionSnapshots;
  readonly family: SessionFamily;
  readonly budget: SessionBudget;
  readonly transfers: Transfers;
  readonly artifacts: SessionArtifacts;
  readonly calls: AgentCalls;
  readonly webhooks: Webhooks<SessionDraft>;
  readonly discord: SessionDiscord;
  readonly viewers: Viewers;
  readonly streams: EventStreams;
  readonly #ctx: DurableObjectState;
  #alarmAt: number | null = null;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    this.#ctx = ctx;
    const retry = () => this.setAlarm();
    const core = new SessionCore(ctx.storage, edgeSettings.parse(env), (draft, before) => this.#changed(draft, before));
    this.core = core;
    this.link = new ContainerLink(ctx, core);
    this.messages = new SessionMessages(core);
    this.people = new SessionPeople(core);
    this.sharing = new SessionSharing(ctx, env, core, retry);
    this.outreach = new SessionOutreach(ctx, env, { core, sharing: this.sharing }, retry);
    this.files = new SessionFilesDesk(core, this.outreach);
    this.snapshots = new SessionSnapshots(ctx, core, this.outreach, retry);
    const { outreach, snapshots, sharing } = this;
    this.family = new SessionFamily(ctx, env, { core, outreach, snapshots, sharing }, retry);
    this.budget = new SessionBudget(ctx, core, outreach, retry);
    this.transfers = new Transfers(this.files);
    this.artifacts = new SessionArtifacts(core, outreach, this.transfers);
    const { family, artifacts } = this;
    this.calls = new AgentCalls(ctx, env, { core, family, artifacts }, retry);
    this.webhooks = new Webhooks({
      ctx,
      core,
      fetcher: env.WEBHOOKS ?? publicInternet,
      target: () => core.current.identity.spawn?.webhook ?? null,
      gaveUp: (draft, what) => draft.family.callbackFailed(what),
      retry,
    });
    this.discord = new SessionDiscord(ctx, env, core, retry);
    this.viewers = new Viewers(ctx, core.log, core.interactions);
    this.streams = new EventStreams(core.log);
    this.files.recover();
  }

  /** The alarm has come. */
  alarmed(): void {
    this.#alarmAt = null;
    if (this.core.record === null) return;
    this.viewers.closeStalled(Date.now());
    this.core.change((draft) => draft.clock());
  }

  /** When nobody has spoken to a parked session for too long (`SESSION_RETENTION_DAYS`), epoch milliseconds; null: never. */
  expires(): number | null {
    const { last_activity, state, files } = this.core.current;
    const days = this.core.settings.SESSION_RETENTION_DAYS;
    if (days === 0 || state.container !== 'none' || files.write !== null) return null;
    return last_activity + days * DAY_MS;
  }

  setAlarm(): void {
    // Something that was under way has come back after the session was deleted.
    if (this.core.record === null) return;
    const { state, open_interactions } = this.core.current;
    const times = [
      nextDeadline(state, this.core.limits),
      open_interactions === 0 ? null : this.core.interactions.nextDue(),
      this.viewers.nextStall(),
      ...this.#tellers().map((part) => part.nextTry()),
      this.expires(),
    ].filter((time) => time !== null);
    if (times.length === 0) return;
    const next = Math.min(...times);
    // An alarm that comes too early only looks at the clock; setting one costs a write.
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    this.#ctx.waitUntil(this.#ctx.storage.setAlarm(next));
  }

  /** A change has been committed: everyone whom it concerns is told. */
  #changed(draft: SessionDraft, before: number): void {
    this.link.order(draft.commands);
    if (draft.modelHeld !== null) this.link.holdModel(draft.modelHeld);
    this.viewers.publish(draft.shown);
    if (draft.seq > before) this.streams.notify();
    this.discord.show(draft.shown);
    this.messages.finished(draft.finished);
    for (const part of this.#tellers()) part.tell();
    this.snapshots.changed();
    this.setAlarm();
  }

  /** Those that tell others something, ask them for it, or post it. */
  #tellers(): readonly { tell(): void; nextTry(): number | null }[] {
    const { outreach, snapshots, sharing, budget, family, calls, webhooks, discord } = this;
    return [outreach, snapshots, sharing, budget, family, calls, webhooks, discord];
  }
}
