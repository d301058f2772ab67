import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import type { Reason } from '../../../../protocol/reason.ts';
import { blocksOf, promptText, shownBlocks } from '../../../../protocol/content/prompt.ts';
import type { AgentTool } from '../../../../protocol/api/session/session-config.ts';
import type { SnapshotReport } from '../../../../protocol/link/runner-control.ts';
import type { SnapshotTrigger } from '../../../../protocol/api/files/workspace.ts';
import type { WrapperCommand } from '../../../../protocol/link/wrapper/wrapper-link.ts';
import { deskUpdateOf } from '../../core/desk-update.ts';
import { advanceFiles, newestTrees, waitsElsewhere, type FilesInput } from '../../core/files.ts';
import type { InteractionLimits } from '../../../shared/interactions/interaction.ts';
import { advance } from '../../core/machine.ts';
import { nextDeadline } from '../../core/life/deadlines.ts';
import type { QueueBound } from '../../core/queue-bound.ts';
import { canHear, isEnding, type Limits } from '../../core/state.ts';
import type { SessionInput } from '../../core/life/input.ts';
import { BuildChanges } from './build-changes.ts';
import { ChildChanges } from './child-changes.ts';
import type { NumberedCommand } from '../tables/command-table.ts';
import { InteractionChanges } from './interaction-changes.ts';
import { LinkChanges } from './link/link-changes.ts';
import { SettingsChanges } from './settings-changes.ts';
import { PortChanges, type PortBound } from './port-changes.ts';
import { WakeupChanges } from './wakeup-changes.ts';
import { WebhookChanges, type DeliveryBounds } from './webhook-changes.ts';
import type { EndedTurnRow } from '../messages/turn-table.ts';
import { ownEvent, type StreamItem, type StoredEvent } from '../../core/shown.ts';
import type { ContainerFacts } from '../../../rpc/session/session-rpc.ts';
import type { NewMessage } from './change.ts';
import { type EffectTarget, SessionEffects } from './session-effects.ts';
import type { SessionTables } from '../session-tables.ts';
import { isJson } from '../../../shared/json.ts';
import type { SessionRecord } from '../record.ts';

/** How long the phases of a session and its questions may take, which of CC-Docker's tools its agent may call, and how much may wait. */
export interface TransactionLimits {
  readonly phases: Limits;
  readonly asks: InteractionLimits;
  readonly tools: readonly AgentTool[];
  readonly queue: QueueBound;
  readonly deliveries: DeliveryBounds;
  readonly ports: PortBound;
}

/**
 * One change of a session, inside one storage transaction. It writes to the tables at once, and collects what is to be done
 * after the commit. Its parts do the rest: interactions, children, and what comes over the link.
 */
export class Transaction implements EffectTarget {
  record: SessionRecord;
  /** What viewers see, in order: events, and previews between them. */
  readonly stream: StreamItem[] = [];
  readonly commands: NumberedCommand[] = [];
  /** Messages that have ended or settled: callers that wait for them get their answer. */
  readonly finished: string[] = [];
  /** Turns that have ended, as they were stored. */
  readonly turns: EndedTurnRow[] = [];
  /** From now on calls to the model are paused, or no longer; null: as before. */
  modelPaused: boolean | null = null;
  readonly interactions: InteractionChanges;
  readonly children: ChildChanges;
  readonly wakeups: WakeupChanges;
  /** What the container waits for that is built before it starts. */
  readonly builds: BuildChanges;
  readonly ports: PortChanges;
  /** The settings that change while the session lives. */
  readonly settings: SettingsChanges;
  readonly webhooks: WebhookChanges;
  /** What comes over the container's link. */
  readonly link: LinkChanges;
  readonly #effects: SessionEffects;
  readonly #tables: SessionTables;
  readonly #limits: Limits;
  readonly #now: number;
  #seq: number;
  #storedBytes = 0;

  constructor(record: SessionRecord, seq: number, tables: SessionTables, limits: TransactionLimits, now: number) {
    this.record = record;
    this.#seq = seq;
    this.#tables = tables;
    this.#limits = limits.phases;
    this.#now = now;
    const { interactions: table, commands } = tables;
    this.interactions = new InteractionChanges(this, { table, commands, limits: limits.asks, now });
    this.children = new ChildChanges(this, tables, now);
    this.builds = new BuildChanges(this, tables, now);
    this.wakeups = new WakeupChanges(this, { tables, queue: limits.queue, now });
    this.ports = new PortChanges(this, { tables, bound: limits.ports, now });
    this.settings = new SettingsChanges(this);
    this.webhooks = new WebhookChanges(this, tables, limits.deliveries, now);
    this.link = new LinkChanges(this, { tables, tools: limits.tools, now });
    this.#effects = new SessionEffects(this, tables, now);
  }

  get seq(): number {
    return this.#seq;
  }

  /** Bytes of the data of the events that it stores. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  input(input: SessionInput): void {
    const before = this.record.state;
    const { state, effects } = advance(before, input, this.#now, this.#limits);
    this.record = { ...this.record, state };
    for (const effect of effects) this.#effects.perform(effect);
    const { asking, epoch } = this.record.state;
    if (!asking || (epoch === before.epoch && canHear(this.record.state))) return;
    this.interactions.gone(isEnding(before));
  }

  /** Applies deadlines in time order: an expiring question may still need the container that a later deadline ends. */
  clock(): void {
    const due = nextDeadline(this.record.state, this.#limits);
    const asked = this.#tables.interactions.nextDeadline();
    if (due !== null && asked !== null && due < asked) this.input({ on: 'clock' });
    this.interactions.expire();
    this.input({ on: 'clock' });
    // The clock may just have ended the container. Then the default's answer becomes a message instead.
    this.interactions.pass();
    // After the clock: a message that is handed over would be lost with a container that the clock ends.
    this.wakeups.fire();
    this.ports.expire();
    // Last: nobody is reminded of a question that has just ended.
    this.interactions.remind();
  }

  prompt({ message_id, prompt, origin, deadline = null, delivery = 'queue', traceparent }: NewMessage): void {
    this.#tables.messages.add({ id: message_id, prompt, origin, queued: this.#seq + 1 }, this.#now);
    this.#tables.traces?.add(message_id, traceparent);
    const blocks = blocksOf(prompt);
    const content = blocks && { content: shownBlocks(blocks) };
    this.emit({ type: 'message.queued', data: { message_id, prompt: promptText(prompt), ...content } });
    this.input({ on: 'prompted', message: { message_id, deadline }, delivery });
  }

  order(command: WrapperCommand): void {
    this.commands.push(this.#tables.commands.add(this.record.state.epoch, command));
  }

  /** The place or the content of the session's files has changed. */
  files(input: FilesInput): void {
    const files = advanceFiles(this.record.files, input);
    if (files !== this.record.files) this.record = { ...this.record, files };
  }

  /** The pool has given `runner` the container of `epoch`. */
  placed(epoch: number, runner: string): void {
    if (epoch === this.record.state.epoch) this.files({ on: 'placed', runner });
    this.input({ on: 'placed', epoch });
  }

  /** The container of `epoch` runs. */
  started(epoch: number, runner: string, container: ContainerFacts): void {
    if (epoch !== this.record.state.epoch) return;
    this.record = { ...this.record, container };
    this.files({ on: 'placed', runner });
  }

  /** The container of `epoch` is gone, or there never was one; null: no runner had it. */
  ended(epoch: number, reason: Reason, runner: string | null): void {
    const { state } = this.record;
    const lost = reason.code === 'files_lost';
    const ends = epoch === state.epoch && state.container !== 'none';
    if (ends) {
      this.files({ on: 'ended', runner, lost });
      this.interactions.undelivered();
      this.children.containerEnded();
      this.builds.containerEnded(reason);
      this.ports.containerEnded();
    }
    const detail = lost ? `${reason.detail} ${this.#fallback()}` : reason.detail;
    this.input({ on: 'ended', epoch, reason: { ...reason, detail } });
    const { status, reason: why } = this.record.state;
    // A session that its owner stopped wakes with the next message or answer, not with an older answer that waits.
    const stopped = status === 'stopped' && why?.code === 'stopped_by_user';
    if (!ends) return;
    if (stopped) return this.children.awaitNone();
    this.interactions.pass();
    this.children.pass();
  }

  /** Requests a snapshot. */
  askSnapshot(id: string, trigger: SnapshotTrigger): void {
    this.#tables.snapshots.ask(id, trigger, this.record.files.version, this.#now);
  }

  /** Takes a runner's report on a snapshot. */
  report(report: SnapshotReport): void {
    const { identity, conversation } = this.record;
    if (!this.#tables.snapshots.report(report, conversation.id ?? identity.session_id, this.#now)) return;
    this.files({ on: 'reported', report });
    this.#askElsewhere();
    const { snapshot_id, trigger, state, files, bytes, new_bytes, skipped, detail } = report;
    const data = { snapshot_id, trigger, state, files, bytes, new_bytes, skipped, detail };
    this.emit({ type: 'workspace.snapshot', data });
  }

  /** A launch that waits for the one runner with its files may go to others, once these are saved. */
  #askElsewhere(): void {
    const { files } = this.record;
    if (!waitsElsewhere(files)) return;
    this.files({ on: 'rebased' });
    if (this.record.place_request === null) this.record = { ...this.record, place_request: 'want' };
  }

  emit(event: OwnEvent): void {
    this.#append(ownEvent(this.#seq + 1, this.#now, event));
    this.children.happened(event);
    this.webhooks.happened(event);
    this.settings.happened(event);
    if (!this.#tables.isOnDiscord) return;
    const { session_id } = this.record.identity;
    const update = deskUpdateOf(event, this.record.on_discord, (id) => this.#tables.messages.view(session_id, id));
    if (update !== null) this.#tables.deskUpdates.add(update);
  }

  /** Shows a preview between the events around it. */
  preview(line: string): void {
    // The container is not trusted. Text that is not JSON would break the frame that carries it.
    if (isJson(line)) this.stream.push({ time: this.#now, preview: line });
  }

  /** How a session goes on whose newest files are lost, as a sentence. */
  #fallback(): string {
    const { workspace } = newestTrees(this.record.files);
    if (workspace === null) return 'Nothing was saved, so the next message begins anew.';
    return `The next message goes on from the snapshot ${workspace}.`;
  }

  /** Writes a line to the log as `claude` wrote it. */
  append(type: string, json: string): void {
    this.#append({ seq: this.#seq + 1, time: this.#now, type, json });
  }

  #append(event: StoredEvent): void {
    this.#seq = event.seq;
    this.#storedBytes += this.#tables.log.append(event);
    this.stream.push(event);
  }
}
