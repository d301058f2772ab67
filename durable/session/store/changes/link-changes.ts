import { DEVCONTAINER } from '../../../../protocol/api/environment-name.ts';
import type { AgentTool } from '../../../../protocol/api/session/session-config.ts';
import {
  isKnownRunnerNotice,
  type RunnerNotice,
  type RunnerNoticeFrame,
} from '../../../../protocol/link/runner-notice.ts';
import { MAX_LINE_BYTES } from '../../../../protocol/settings/limits.ts';
import { isKnownNotice, type LinkItem, type WrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import type { MessageError } from '../../../../protocol/reason.ts';
import { v7 as uuidV7 } from 'uuid';
import { utf8Bytes } from '../../../shared/text/utf8-bytes.ts';
import { readClaudeLine, type LineSignal } from '../../core/link/claude-line.ts';
import type { FilesInput } from '../../core/files.ts';
import { noticeFault, type NoticeFacts } from '../../core/link/notice-fault.ts';
import { isAnswerTo } from '../../core/turns/turn-end.ts';
import type { Change } from './change.ts';
import type { BuildChanges } from './build-changes.ts';
import type { ChildChanges } from './child-changes.ts';
import type { InteractionChanges } from './interaction-changes.ts';
import { endedTurn, turnEndedEvent } from './ended-turn.ts';
import { listChanged } from '../record.ts';
import type { SessionTables } from '../session-tables.ts';
import { PreparingChanges } from './preparing/preparing-changes.ts';
import type { SettingsChanges } from './settings-changes.ts';
import type { PortChanges } from './port-changes.ts';
import { isWakeupCall, type WakeupChanges } from './wakeup-changes.ts';

/** What the link needs of a transaction besides `Change`. */
interface LinkChange extends Change {
  readonly builds: BuildChanges;
  readonly interactions: InteractionChanges;
  readonly children: ChildChanges;
  readonly wakeups: WakeupChanges;
  readonly ports: PortChanges;
  readonly settings: SettingsChanges;
  /** The place or the content of the session's files has changed. */
  files(input: FilesInput): void;
  /** Writes a line to the log as `claude` wrote it. */
  append(type: string, json: string): void;
}

interface Context {
  readonly tables: SessionTables;
  /** The tools of CC-Docker that the agent may call. */
  readonly tools: readonly AgentTool[];
  readonly now: number;
}

/** The length in UTF-8 of a line that is too long; null: it is not. Most need no counting: a UTF-16 unit takes 3 bytes at most. */
function tooManyBytes(line: string): number | null {
  if (3 * line.length <= MAX_LINE_BYTES) return null;
  const bytes = utf8Bytes(line);
  return bytes > MAX_LINE_BYTES ? bytes : null;
}

/** The part of a transaction that stores what comes over the container's link: claude's lines, and notices of wrapper and runner. */
export class LinkChanges {
  readonly #tx: LinkChange;
  readonly #preparing: PreparingChanges;
  readonly #tables: SessionTables;
  readonly #tools: readonly AgentTool[];
  readonly #now: number;

  constructor(tx: LinkChange, { tables, tools, now }: Context) {
    this.#tx = tx;
    this.#preparing = new PreparingChanges(tx, tables);
    this.#tables = tables;
    this.#tools = tools;
    this.#now = now;
  }

  /** Stores those of the items `first, first+1, …` that are new. False: items before them are missing. */
  take(first: number, items: readonly LinkItem[]): boolean {
    const { stored } = this.#tx.record.link;
    if (first > stored + 1) return false;
    const fresh = items.slice(stored + 1 - first);
    this.#tx.files({ on: 'touched' });
    for (const item of fresh) this.#item(item);
    this.#tx.record = {
      ...this.#tx.record,
      link: { ...this.#tx.record.link, stored: stored + fresh.length },
      last_activity: this.#now,
    };
    return true;
  }

  /** Stores those of the runner's own notices `first, first+1, …` that are new. The runner sends missing ones again. */
  takeNotices(first: number, notices: RunnerNoticeFrame['notices']): void {
    const { epoch, notices_stored } = this.#tx.record.link;
    if (first > notices_stored + 1) return;
    const fresh = notices.slice(notices_stored + 1 - first);
    for (const notice of fresh) {
      if (isKnownRunnerNotice(notice)) this.#runnerNotice(epoch, notice);
      else this.#unknownNotice(epoch, notice.host_notice, 'runner');
    }
    this.#tx.record = {
      ...this.#tx.record,
      link: { ...this.#tx.record.link, notices_stored: notices_stored + fresh.length },
    };
  }

  #runnerNotice(epoch: number, notice: RunnerNotice): void {
    switch (notice.host_notice) {
      case 'egress': {
        const { host_notice: _, ...data } = notice;
        return this.#tx.emit({ type: 'session.egress', data: { epoch, ...data } });
      }
      case 'restored': {
        const { host_notice: _, ...data } = notice;
        return this.#tx.emit({ type: 'workspace.restored', data: { epoch, ...data } });
      }
      case 'waiting':
        return this.#tx.input({ on: 'start_waits', reason: notice.reason });
      case 'build_started':
      case 'build_output':
      case 'build_ready':
      case 'build_failed':
        return this.#tx.builds.noticed(notice);
      case 'devcontainer':
        return this.#preparing.described(epoch, notice);
    }
  }

  #item(item: LinkItem): void {
    if (typeof item !== 'string') {
      if (isKnownNotice(item)) return this.#notice(item);
      return this.#unknownNotice(this.#tx.record.link.epoch, item.notice, 'image');
    }
    // A wrapper has done this. What speaks in its place need not.
    const bytes = tooManyBytes(item);
    if (bytes !== null) return this.#tx.emit({ type: 'session.oversized', data: { bytes, head: item.slice(0, 1024) } });
    const line = readClaudeLine(item, this.#tables.log.backwards());
    if (!line.ok) return this.#tx.emit({ type: 'session.garbled', data: { line: item.slice(0, 8192) } });
    if (line.signal?.is === 'control') return;
    if (line.signal?.is === 'idle') {
      this.#tables.calls.readAll('all');
      return this.#tx.input({ on: 'claude_idle' });
    }
    this.#tx.append(line.type, item);
    this.#conversation(line.conversation_id);
    if (line.settings !== null) this.#tx.settings.reported(line.settings);
    if (line.signal !== null) this.#signal(line.signal);
  }

  /** It has its number, and is in the log: so it is counted, and nothing is lost without a word. */
  #unknownNotice(epoch: number, notice: string, from: 'runner' | 'image'): void {
    const detail = `This edge does not know it, and passed it over: the container’s ${from} is newer. Upgrade the edge.`;
    this.#tx.emit({ type: 'session.notice_refused', data: { epoch, notice, detail } });
  }

  /** Every line names its conversation. The last one named is the one to go on with. */
  #conversation(id: string | null): void {
    const { conversation } = this.#tx.record;
    if (id === null || id === conversation.id) return;
    this.#tx.record = { ...this.#tx.record, conversation: { ...conversation, id } };
    if (!conversation.isReset) return;
    this.#tx.record = { ...this.#tx.record, conversation: { id, isReset: false } };
    this.#tx.emit({ type: 'session.conversation_reset', data: { conversation_id: id } });
  }

  #signal(signal: LineSignal): void {
    switch (signal.is) {
      case 'message': {
        const { state } = signal;
        const message_id = this.#tables.messages.ofUuid(signal.message_id);
        // The end of an earlier turn of a message that waits anew.
        if (message_id === null) return;
        return this.#tx.input({ on: state === 'completed' ? 'message_done' : 'message_cancelled', message_id });
      }
      case 'agent_turn':
        return this.#tx.input({ on: 'agent_turn_began', turn_id: uuidV7() });
      case 'tasks':
        return this.#tx.input({ on: 'tasks', tasks: signal.tasks });
      case 'reported':
        return this.#tx.input({ on: 'task_reported', run_id: signal.run_id });
      case 'tool_results':
        return this.#tables.calls.read(signal.tool_use_ids);
      case 'reset':
        this.#tx.record = { ...this.#tx.record, conversation: { ...this.#tx.record.conversation, isReset: true } };
        return;
      case 'result':
        return this.#turnEnded(signal);
      case 'idle':
      case 'control':
        // Not stored, so it does not come here.
        return;
    }
  }

  #turnEnded(line: Extract<LineSignal, { is: 'result' }>): void {
    const { messages } = this.#tables;
    const signal = { ...line, message_ids: line.message_ids.flatMap((uuid) => messages.ofUuid(uuid) ?? []) };
    const { turns, cost_usd } = this.#tx.record.usage;
    const usage = { turns: turns + 1, cost_usd: cost_usd + signal.turn.total_cost_usd, live_usd: 0 };
    this.#tx.record = listChanged({ ...this.#tx.record, usage });
    this.#tx.files({ on: 'conversed' });
    this.#tables.calls.readAll('unnamed');
    const turn = endedTurn(signal, this.#tx.record.state, messages, this.#now);
    this.#tables.turns.add(turn);
    this.#tx.turns.push(turn);
    for (const id of turn.message_ids) messages.addTurn(id, signal.turn, isAnswerTo(id, signal));
    // Of a turn that ends while its container does, the session has said already that it was lost.
    if (turn.turn_id === this.#tx.record.state.agent_turn?.turn_id) this.#tx.emit(turnEndedEvent(turn));
    const { message_ids, agent, run_id, outcome } = signal;
    this.#tx.input({ on: 'turn_ended', message_ids, agent, run_id, outcome });
  }

  #notice(notice: WrapperNotice): void {
    const { epoch } = this.#tx.record.link;
    const fault = noticeFault(notice, this.#facts(notice));
    if (fault !== null)
      return this.#tx.emit({ type: 'session.notice_refused', data: { epoch, notice: notice.notice, detail: fault } });
    switch (notice.notice) {
      case 'ready':
        this.#conversation(notice.conversation_id ?? null);
        this.#tx.emit({ type: 'session.ready', data: { epoch, claude_version: notice.claude_version } });
        return this.#tx.input({ on: 'ready' });
      case 'sealed':
        return this.#tx.emit({ type: 'session.sealed', data: { epoch, probes: notice.probes } });
      case 'seal_broken': {
        const failed = notice.failed.map(({ probe, detail }) => `${probe} (${detail})`).join('; ');
        const detail = `The container is not sealed as promised, so nothing was started in it: ${failed}. Look at the runner's engine.`;
        return this.#tx.input({ on: 'claude_ended', reason: { code: 'seal_broken', detail: detail.slice(0, 8192) } });
      }
      case 'cloning':
      case 'cloned':
      case 'fetched':
      case 'clone_skipped':
        return this.#preparing.clone(epoch, notice);
      case 'clone_failed':
        return this.#tx.input({ on: 'claude_ended', reason: { code: 'clone_failed', detail: notice.detail } });
      case 'command':
      case 'prepare_failed':
        return this.#preparing.command(epoch, notice);
      case 'prepared':
        return this.#preparing.done();
      case 'prompt_refused': {
        const message_id = this.#tables.messages.ofUuid(notice.message_id);
        if (message_id === null) return;
        const error: MessageError = { code: 'invalid_prompt_file', detail: notice.detail };
        return this.#tx.input({ on: 'prompt_refused', message_id, error });
      }
      case 'asked':
        return this.#tx.interactions.asked({ of: 'claude', id: notice.interaction_id, subject: notice.subject });
      case 'withdrawn':
        return this.#tx.interactions.withdrawn(notice.interaction_id, 'claude');
      case 'tool_call':
        return this.#toolCalled(notice);
      case 'tool_cancelled':
        this.#tables.calls.remove(notice.call_id);
        return this.#tx.interactions.withdrawn(notice.call_id, 'tool');
      case 'setting_answered':
        return this.#tx.settings.answered(notice.setting, notice.refused);
      case 'spent':
        this.#tx.record = {
          ...this.#tx.record,
          usage: { ...this.#tx.record.usage, live_usd: notice.since_result_usd },
        };
        return;
      case 'mcp_server': {
        const { name, state, detail } = notice;
        return this.#tx.emit({ type: 'session.mcp_server', data: { epoch, name, state, detail } });
      }
      case 'port':
        return this.#tx.ports.noticed(notice);
      case 'terminal_ended': {
        const { terminal: terminal_id, code, signal } = notice;
        return this.#tx.input({ on: 'terminal_ended', terminal_id, code, signal });
      }
      case 'start_failed':
        return this.#tx.input({ on: 'claude_ended', reason: { code: 'claude_start_failed', detail: notice.detail } });
      case 'exited': {
        const { code, signal, stderr } = notice;
        this.#tx.emit({ type: 'session.claude_exited', data: { epoch, code, signal, stderr } });
        const how = signal === null ? `with code ${code}` : `on ${signal}`;
        const detail = `Claude Code ended by itself ${how}. The next message starts it again.`;
        const said = stderr === '' ? '' : ` It wrote: ${stderr.slice(-1024)}`;
        return this.#tx.input({ on: 'claude_ended', reason: { code: 'claude_exited', detail: detail + said } });
      }
      case 'oversized':
        return this.#tx.emit({ type: 'session.oversized', data: { bytes: notice.bytes, head: notice.head } });
      case 'garbled':
        return this.#tx.emit({ type: 'session.garbled', data: { line: notice.line } });
    }
  }

  #facts({ notice }: WrapperNotice): NoticeFacts {
    const { identity, state, link } = this.#tx.record;
    const { workspace, config } = identity.request;
    const hasCommands = config.environment === DEVCONTAINER;
    const listening = notice === 'port' ? this.#tables.ports.listening().map(({ port }) => port) : [];
    const { mcp_servers } = config;
    return { workspace, hasCommands, mcp_servers, container: state.container, stored: link.stored, listening };
  }

  /** The container is not trusted: a call counts only of a tool that this session has. */
  #toolCalled({ call_id, call, tool_use_id }: Extract<WrapperNotice, { notice: 'tool_call' }>): void {
    if (!this.#tools.includes(call.tool)) {
      const { epoch } = this.#tx.record.link;
      const text = `Nothing was done: this session may not use ${call.tool}.`;
      this.#tx.emit({ type: 'session.tool_refused', data: { epoch, tool: call.tool, detail: text } });
      return this.#tx.order({ command: 'tool_result', call_id, text, is_error: true });
    }
    if (call.tool === 'ask_user') return this.#tx.interactions.asked({ of: 'tool', id: call_id, input: call.input });
    if (isWakeupCall(call)) return this.#tx.wakeups.called(call_id, call);
    if (call.tool !== 'notify_user') return this.#tx.children.called(call_id, call, tool_use_id ?? null);
    const { message, priority = 'normal', summary = null } = call.input;
    this.#tx.emit({ type: 'session.notification', data: { message, priority, summary } });
    const text = 'The user is told. Nobody will answer: to ask something, use ask_user.';
    this.#tx.order({ command: 'tool_result', call_id, text, is_error: false });
  }
}
