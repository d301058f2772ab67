import type { OwnEvent } from '../../../protocol/api/event.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { SnapshotReport } from '../../../protocol/link/runner-control.ts';
import type { SnapshotTrigger } from '../../../protocol/api/workspace.ts';
import type { WrapperCommand } from '../../../protocol/link/wrapper-link.ts';
import type { LinkItem, WrapperNotice } from '../../../protocol/link/wrapper-notice.ts';
import { deskUpdateOf } from '../core/desk-update.ts';
import { readClaudeLine, type LineSignal } from '../core/claude-line.ts';
import { advanceFiles, newestTrees, type FilesInput } from '../core/files.ts';
import type { AskLimits } from '../../shared/interactions/interaction.ts';
import { advance, nextDeadline } from '../core/machine.ts';
import { canHear, type Limits, type SessionEffect, type SessionInput } from '../core/state.ts';
import { ChildChanges } from './child-changes.ts';
import type { NumberedCommand } from './tables/command-table.ts';
import { InteractionChanges } from './interaction-changes.ts';
import { ownEvent, type Shown, type StoredEvent } from './tables/event-log.ts';
import type { ContainerFacts } from '../../rpc/session-rpc.ts';
import type { Change } from './change.ts';
import type { SessionTables } from './session-tables.ts';
import { isJson } from '../../shared/json.ts';
import { listChanged, NO_CONTAINER, totalCost, type SessionRecord } from './record.ts';

/** How long a session's phases, and its questions, may take. */
export interface TransactionLimits {
  readonly phases: Limits;
  readonly asks: AskLimits;
}

/**
 * One change of a session, inside one storage transaction: it writes to the tables as it goes and collects what is to
 * be done once the transaction has been committed.
 */
export class Transaction implements Change {
  record: SessionRecord;
  /** What there is to see, in order: events, and previews between them. */
  readonly shown: Shown[] = [];
  readonly commands: NumberedCommand[] = [];
  /** Messages that have ended: who waits for them can be answered. */
  readonly finished: string[] = [];
  /** Calls to the model are held back from now on, or no longer; null: as before. */
  modelPaused: boolean | null = null;
  readonly interactions: InteractionChanges;
  readonly children: ChildChanges;
  readonly #tables: SessionTables;
  readonly #limits: Limits;
  readonly #now: number;
  #seq: number;

  constructor(record: SessionRecord, seq: number, tables: SessionTables, limits: TransactionLimits, now: number) {
    this.record = record;
    this.#seq = seq;
    this.#tables = tables;
    this.#limits = limits.phases;
    this.#now = now;
    const { interactions: table, commands } = tables;
    this.interactions = new InteractionChanges(this, { table, commands, limits: limits.asks, now });
    this.children = new ChildChanges(this, tables, now);
  }

  /** `seq` of the newest event, this change's included. */
  get seq(): number {
    return this.#seq;
  }

  input(input: SessionInput): void {
    const before = this.record.state;
    const { state, effects } = advance(before, input, this.#now, this.#limits);
    this.record = { ...this.record, state };
    for (const effect of effects) this.#perform(effect);
    const { asking, epoch } = this.record.state;
    if (!asking || (epoch === before.epoch && canHear(this.record.state))) return;
    this.interactions.gone((before.current?.interrupting ?? null) !== null);
  }

  /** Time has passed: what passed first comes first, for what a question's default would tell may be gone by then. */
  clock(): void {
    const due = nextDeadline(this.record.state, this.#limits);
    const asked = this.#tables.interactions.nextDeadline();
    if (due !== null && asked !== null && due < asked) this.input({ on: 'clock' });
    this.interactions.expire();
    this.input({ on: 'clock' });
    // Its container may just have been given up on, so that a default goes another way.
    this.interactions.pass();
    // Last, for what has just ended is not to be reminded of.
    this.interactions.remind();
  }

  /** Takes a message; `deadline` in epoch milliseconds, null: it says none. */
  prompt(message_id: string, prompt: string, deadline: number | null): void {
    this.#tables.messages.add(message_id, prompt, this.#now);
    this.emit({ type: 'message.queued', data: { message_id, prompt } });
    this.input({ on: 'prompted', message: { message_id, deadline } });
  }

  /** Orders something of the container of the present epoch. */
  order(command: WrapperCommand): void {
    this.commands.push(this.#tables.commands.add(this.record.state.epoch, command));
  }

  /** Something has happened to where the session's files are. */
  files(input: FilesInput): void {
    const files = advanceFiles(this.record.files, input);
    if (files !== this.record.files) this.record = { ...this.record, files };
  }

  /** The container of `epoch` is `runner`'s. */
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
      this.#tables.calls.clear();
    }
    const detail = lost ? `${reason.detail} ${this.#fallback()}` : reason.detail;
    this.input({ on: 'ended', epoch, reason: { ...reason, detail } });
    const { status, reason: why } = this.record.state;
    // Who stopped it has it wake with the next message or answer, and no sooner.
    const stopped = status === 'stopped' && why?.code === 'stopped_by_user';
    if (ends && !stopped) this.interactions.pass();
  }

  /** A snapshot is asked for. */
  askSnapshot(id: string, trigger: SnapshotTrigger): void {
    this.#tables.snapshots.ask(id, trigger, this.record.files.version, this.#now);
  }

  /** A runner tells of a snapshot. */
  report(report: SnapshotReport): void {
    if (!this.#tables.snapshots.report(report, this.#now)) return;
    this.files({ on: 'reported', report });
    const { snapshot_id, trigger, state, files, bytes, new_bytes, skipped, detail } = report;
    const data = { snapshot_id, trigger, state, files, bytes, new_bytes, skipped, detail };
    this.emit({ type: 'workspace.snapshot', data });
  }

  emit(event: OwnEvent): void {
    this.#append(ownEvent(this.#seq + 1, this.#now, event));
    this.children.happened(event);
    if (!this.#tables.isOnDiscord) return;
    const told = deskUpdateOf(event, this.record.on_discord);
    if (told !== null) this.#tables.deskUpdates.add(told);
  }

  /** Shows a preview between the events around it. */
  preview(line: string): void {
    // The container is not trusted: what is not JSON would break the frame that it is put into.
    if (isJson(line)) this.shown.push({ time: this.#now, preview: line });
  }

  /** Takes the items that are new of `first, first+1, …`; false when some before them are missing. */
  take(first: number, items: readonly LinkItem[]): boolean {
    const { stored } = this.record.link;
    if (first > stored + 1) return false;
    const fresh = items.slice(stored + 1 - first);
    this.files({ on: 'touched' });
    for (const item of fresh) this.#item(item);
    this.record = {
      ...this.record,
      link: { ...this.record.link, stored: stored + fresh.length },
      last_activity: this.#now,
    };
    return true;
  }

  /** Takes the runner's own notices that are new of `first, first+1, …`; what is missing before them comes again. */
  takeNotices(first: number, notices: readonly RunnerNotice[]): void {
    const { epoch, notices_stored } = this.record.link;
    if (first > notices_stored + 1) return;
    const fresh = notices.slice(notices_stored + 1 - first);
    for (const notice of fresh) this.#runnerNotice(epoch, notice);
    this.record = { ...this.record, link: { ...this.record.link, notices_stored: notices_stored + fresh.length } };
  }

  #runnerNotice(epoch: number, notice: RunnerNotice): void {
    switch (notice.host_notice) {
      case 'egress': {
        const { host_notice: _, ...data } = notice;
        return this.emit({ type: 'session.egress', data: { epoch, ...data } });
      }
      case 'restored': {
        const { host_notice: _, ...data } = notice;
        return this.emit({ type: 'workspace.restored', data: { epoch, ...data } });
      }
    }
  }

  /** Where a session whose newest files are lost goes on. */
  #fallback(): string {
    const { workspace } = newestTrees(this.record.files);
    if (workspace === null) return 'Nothing was saved, so the next message begins anew.';
    return `The next message goes on from the snapshot ${workspace}.`;
  }

  #append(event: StoredEvent): void {
    this.#seq = event.seq;
    this.#tables.log.append(event);
    this.shown.push(event);
  }

  #item(item: LinkItem): void {
    if (typeof item !== 'string') return this.#notice(item);
    const line = readClaudeLine(item);
    if (!line.ok) return this.emit({ type: 'session.garbled', data: { line: item.slice(0, 8192) } });
    if (line.signal?.is === 'control') return;
    this.#append({ seq: this.#seq + 1, time: this.#now, type: line.type, json: item });
    if (line.signal !== null) this.#signal(line.signal);
  }

  #signal(signal: LineSignal): void {
    if (signal.is === 'dropped') return this.input({ on: 'message_dropped', message_id: signal.message_id });
    if (signal.is !== 'result') return;
    const current = this.record.state.current;
    if (current !== null && signal.message_ids.includes(current.message_id)) {
      this.#tables.messages.setTurn(current.message_id, signal.turn);
    }
    const { turns, cost_usd } = this.record.usage;
    const usage = { turns: turns + 1, cost_usd: cost_usd + signal.turn.total_cost_usd, live_usd: 0 };
    this.record = listChanged({ ...this.record, usage });
    this.files({ on: 'conversed' });
    this.interactions.turnEnded(signal.outcome.ok);
    this.input({ on: 'turn_ended', message_ids: signal.message_ids, outcome: signal.outcome });
  }

  #notice(notice: WrapperNotice): void {
    const { epoch } = this.record.link;
    switch (notice.notice) {
      case 'ready':
        this.emit({ type: 'session.ready', data: { epoch, claude_version: notice.claude_version } });
        return this.input({ on: 'ready' });
      case 'sealed':
        return this.emit({ type: 'session.sealed', data: { epoch, probes: notice.probes } });
      case 'seal_broken': {
        const failed = notice.failed.map(({ probe, detail }) => `${probe} (${detail})`).join('; ');
        const detail = `The container is not sealed as promised, so nothing was started in it: ${failed}. Look at the runner's engine.`;
        return this.input({ on: 'claude_ended', reason: { code: 'seal_broken', detail: detail.slice(0, 8192) } });
      }
      case 'cloning':
        return this.emit({ type: 'workspace.cloning', data: { epoch, repo: notice.repo } });
      case 'cloned': {
        const { repo, commit, ms } = notice;
        // Once: a container cannot have more time by saying it again.
        if (!this.record.files.cloned) this.input({ on: 'cloned' });
        this.files({ on: 'cloned' });
        return this.emit({ type: 'workspace.cloned', data: { epoch, repo, commit, ms } });
      }
      case 'clone_failed':
        return this.input({ on: 'claude_ended', reason: { code: 'clone_failed', detail: notice.detail } });
      case 'asked':
        return this.interactions.asked({ of: 'claude', id: notice.interaction_id, subject: notice.subject });
      case 'withdrawn':
        return this.interactions.withdrawn(notice.interaction_id, 'claude');
      case 'tool_call': {
        const { call_id, call } = notice;
        if (call.tool === 'ask_user') return this.interactions.asked({ of: 'tool', id: call_id, input: call.input });
        if (call.tool !== 'notify_user') return this.children.called(call_id, call);
        const { message, priority = 'normal', summary = null } = call.input;
        this.emit({ type: 'session.notification', data: { message, priority, summary } });
        const text = 'The user is told. Nobody will answer: to ask something, use ask_user.';
        return this.order({ command: 'tool_result', call_id, text, is_error: false });
      }
      case 'tool_cancelled':
        this.#tables.calls.remove(notice.call_id);
        return this.interactions.withdrawn(notice.call_id, 'tool');
      case 'spent':
        this.record = { ...this.record, usage: { ...this.record.usage, live_usd: notice.since_result_usd } };
        return;
      case 'mcp_server': {
        const { name, state, detail } = notice;
        return this.emit({ type: 'session.mcp_server', data: { epoch, name, state, detail } });
      }
      case 'start_failed':
        return this.input({ on: 'claude_ended', reason: { code: 'claude_start_failed', detail: notice.detail } });
      case 'exited': {
        const { code, signal, stderr } = notice;
        this.emit({ type: 'session.claude_exited', data: { epoch, code, signal, stderr } });
        const how = signal === null ? `with code ${code}` : `on ${signal}`;
        const detail = `Claude Code ended by itself ${how}. The next message starts it again.`;
        const said = stderr === '' ? '' : ` It wrote: ${stderr.slice(-1024)}`;
        return this.input({ on: 'claude_ended', reason: { code: 'claude_exited', detail: detail + said } });
      }
      case 'oversized':
        return this.emit({ type: 'session.oversized', data: { bytes: notice.bytes, head: notice.head } });
      case 'garbled':
        return this.emit({ type: 'session.garbled', data: { line: notice.line } });
    }
  }

  #perform(effect: SessionEffect): void {
    const { messages, commands } = this.#tables;
    const { epoch } = this.record.state;
    switch (effect.do) {
      case 'want':
        commands.dropBefore(epoch);
        this.#tables.calls.clear();
        this.files({ on: 'launched' });
        this.record = {
          ...this.record,
          // What a turn without an end has cost was spent nevertheless.
          usage: { ...this.record.usage, cost_usd: totalCost(this.record), live_usd: 0 },
          place_request: 'want',
          link: { epoch, stored: 0, notices_stored: 0 },
          container: NO_CONTAINER,
        };
        return;
      case 'release':
        // What was called for by who is being ended is wanted no longer.
        this.#tables.calls.clear();
        this.record = { ...this.record, place_request: 'release' };
        return;
      case 'prompt': {
        const { message_id } = effect;
        const prompt = messages.prompt(message_id);
        return this.order({ command: 'prompt', message_id, prompt });
      }
      case 'interrupt':
        return this.order({ command: 'interrupt', message_id: effect.message_id });
      case 'pause_model':
        this.modelPaused = effect.paused;
        return;
      case 'watch_spending':
        if (this.record.state.container !== 'none') this.order({ command: 'watch_spending', on: effect.on });
        return;
      case 'message_processing':
        messages.begin(effect.message_id, this.#now);
        return this.emit({ type: 'message.processing', data: { message_id: effect.message_id } });
      case 'message_completed':
        messages.finish(effect.message_id, 'completed', null, this.#now);
        this.finished.push(effect.message_id);
        return this.emit({ type: 'message.completed', data: { message_id: effect.message_id } });
      case 'message_failed':
        return this.#giveUp(effect.message_id, 'failed', effect.error);
      case 'message_interrupted':
        return this.#giveUp(effect.message_id, 'interrupted', effect.error);
      case 'announce': {
        const { status, reason } = this.record.state;
        this.record = listChanged({ ...this.record, last_activity: this.#now });
        return this.emit({ type: 'session.status', data: { status, epoch, reason } });
      }
    }
  }

  #giveUp(
    message_id: string,
    status: 'failed' | 'interrupted',
    error: Extract<SessionEffect, { do: 'message_failed' }>['error'],
  ): void {
    this.#tables.messages.finish(message_id, status, error, this.#now);
    this.finished.push(message_id);
    this.emit({ type: `message.${status}`, data: { message_id, error } });
  }
}
