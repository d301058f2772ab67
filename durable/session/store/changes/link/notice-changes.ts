import { DEVCONTAINER } from '../../../../../protocol/api/environment-name.ts';
import type { AgentTool } from '../../../../../protocol/api/session/session-config.ts';
import type { WrapperNotice } from '../../../../../protocol/link/wrapper/wrapper-notice.ts';
import type { MessageError } from '../../../../../protocol/reason.ts';
import { noticeFault, type NoticeFacts } from '../../../core/link/notice-fault.ts';
import type { SessionTables } from '../../session-tables.ts';
import type { PreparingChanges } from '../preparing/preparing-changes.ts';
import { isWakeupCall } from '../wakeup-changes.ts';
import { conversationNamed } from './conversation.ts';
import type { LinkContext, LinkTransaction } from './link-transaction.ts';

/** The part of a transaction that stores what a wrapper says of its container. It is not trusted: each notice is checked first. */
export class NoticeChanges {
  readonly #tx: LinkTransaction;
  readonly #preparing: PreparingChanges;
  readonly #tables: SessionTables;
  readonly #tools: readonly AgentTool[];

  constructor(tx: LinkTransaction, preparing: PreparingChanges, { tables, tools }: LinkContext) {
    this.#tx = tx;
    this.#preparing = preparing;
    this.#tables = tables;
    this.#tools = tools;
  }

  take(notice: WrapperNotice): void {
    const { epoch } = this.#tx.record.link;
    const fault = noticeFault(notice, this.#facts(notice));
    if (fault !== null)
      return this.#tx.emit({ type: 'session.notice_refused', data: { epoch, notice: notice.notice, detail: fault } });
    switch (notice.notice) {
      case 'ready':
        conversationNamed(this.#tx, notice.conversation_id ?? null);
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
