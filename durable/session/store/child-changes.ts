import { v7 as uuidV7 } from 'uuid';
import { CHILD_RESULT_WAIT } from '../../../protocol/link/child-tools.ts';
import type { OwnEvent } from '../../../protocol/api/event.ts';
import { PROBLEMS, type Refusal } from '../../../protocol/api/problem.ts';
import type { AgentCall } from './tables/agent-call-table.ts';
import { newsOf } from '../core/children/child-updates.ts';
import { deliveryBody } from '../core/children/delivery.ts';
import { spentDetail, type ToldVerdict } from '../../directory/tree.ts';
import type { SessionDraft, SessionTables } from './transaction.ts';
import type { GivenUp } from '../children/webhooks.ts';
import type { ChildIdentity, News } from '../children/children.ts';

/** How long a file is tried to be kept whose runner, or storage, is away; milliseconds. */
const SHARE_WAIT_MS = 60_000;

/** What a tool's call is answered with. */
export type CallAnswer = { readonly structured: Record<string, unknown> } | Refusal;

/** The part of a change that is about the session's children, its parent, and what they may cost together. */
export class DraftFamily {
  readonly #draft: SessionDraft;
  readonly #tables: SessionTables;
  readonly #now: number;

  constructor(draft: SessionDraft, tables: SessionTables, now: number) {
    this.#draft = draft;
    this.#tables = tables;
    this.#now = now;
  }

  /** The agent has called a tool that takes more than this session to answer. */
  called(call_id: string, call: AgentCall): void {
    const { epoch } = this.#draft.record.link;
    const wait = waitOf(call);
    const deadline = wait === null ? null : this.#now + wait;
    this.#tables.calls.add({ call_id, epoch, call, made: uuidV7(), deadline });
  }

  /** Answers a call, unless nobody waits for it any more. */
  answer(call_id: string, answer: CallAnswer): void {
    if (this.#tables.calls.get(call_id) === null) return;
    this.#tables.calls.remove(call_id);
    if ('refused' in answer) {
      const text = `${PROBLEMS[answer.refused][1]} (${answer.refused}): ${answer.detail}`;
      return this.#draft.order({ command: 'tool_result', call_id, text, is_error: true });
    }
    const { structured } = answer;
    this.#draft.order({
      command: 'tool_result',
      call_id,
      text: JSON.stringify(structured),
      is_error: false,
      structured,
    });
  }

  /** The session has a child. The same again changes nothing. */
  begun({ child_id, title, message_id }: ChildIdentity): void {
    if (this.#tables.children.heard(child_id) !== null) return;
    this.#tables.children.add(child_id, title);
    const { record } = this.#draft;
    this.#draft.record = { ...record, children: [...record.children, child_id], changes: record.changes + 1 };
    this.#draft.emit({ type: 'child.spawned', data: { child_session_id: child_id, title, message_id } });
  }

  /** A child tells what has become of it; what was heard before comes again when the answer to that was lost. */
  hear(child: ChildIdentity, news: readonly News[]): void {
    // It may speak before the call that began it has come back.
    this.begun(child);
    const { child_id } = child;
    const heard = this.#tables.children.heard(child_id) ?? 0;
    for (const { n, event } of news) if (n > heard) this.#draft.emit(event);
    const last = news.at(-1)?.n ?? heard;
    if (last <= heard) return;
    this.#tables.children.hear(child_id, last);
    // What its children do is activity of its own.
    this.#draft.record = { ...this.#draft.record, last_activity: this.#now };
    this.#tables.calls.wake(child_id);
  }

  /** A child is being deleted. */
  deleted(childId: string): void {
    if (this.#tables.children.heard(childId) === null) return;
    this.#tables.children.remove(childId);
    this.#tables.calls.wake(childId);
    const { record } = this.#draft;
    const children = record.children.filter((id) => id !== childId);
    this.#draft.record = { ...record, children, changes: record.changes + 1 };
    this.#draft.emit({ type: 'child.deleted', data: { child_session_id: childId } });
  }

  /** A session has a container that works in this one's files, or has none any more. */
  sharedBy(sessionId: string, shares: boolean): void {
    const { record } = this.#draft;
    const others = record.sharers.filter((id) => id !== sessionId);
    const sharers = shares ? [...others, sessionId] : others;
    this.#draft.record = { ...record, sharers };
    this.#draft.input({ on: 'shared', shared: sharers.length > 0 });
  }

  /** Its news could not be posted: that itself is told to its parent alone. */
  callbackFailed({ url, attempts, detail }: GivenUp): void {
    const { session_id: child_session_id, spawn } = this.#draft.record.identity;
    if (spawn === null) return;
    this.#tables.news.add({ type: 'child.callback_failed', data: { child_session_id, url, attempts, detail } });
  }

  /** What it and all below it may cost has been set. */
  budgeted(budget_usd: number | null): void {
    const { record } = this.#draft;
    const { budget_usd: _before, ...rest } = record.identity.request.config;
    const config = budget_usd === null ? rest : { ...rest, budget_usd };
    const identity = { ...record.identity, request: { ...record.identity.request, config } };
    this.#draft.record = { ...record, identity, changes: record.changes + 1 };
  }

  /** An event of this session: its parent is to hear of it, if it has one and would want to. */
  happened(event: OwnEvent): void {
    const { spawn, session_id } = this.#draft.record.identity;
    if (spawn === null) return;
    const told = newsOf(session_id, event, (id) => this.#tables.messages.view(session_id, id));
    if (told === null) return;
    this.#tables.news.add(told);
    if (spawn.webhook === null) return;
    this.#tables.deliveries.add(uuidV7(), deliveryBody(told.type, this.#now, told.data), this.#now);
  }

  /** The owner's ledger says whether turns may begin. What it said before that comes later changes nothing. */
  leave({ version, verdict }: ToldVerdict): void {
    const { record } = this.#draft;
    if (version <= record.leave_version) return;
    const { leave, spent } = verdict;
    // A budget that will do for what runs, but for no more, is nobody's news.
    const reached = spent !== null && spent.expected_usd === 0 ? spent : null;
    this.#draft.record = { ...record, leave_version: version, spent: reached };
    const before = record.spent;
    if (reached !== null && before === null) {
      const { session_id: budget_session_id, budget_usd, spent_usd } = reached;
      this.#draft.emit({
        type: 'session.budget',
        data: { state: 'reached', budget_session_id, budget_usd, spent_usd },
      });
    } else if (reached === null && before !== null) {
      const { session_id: budget_session_id, spent_usd } = before;
      this.#draft.emit({
        type: 'session.budget',
        data: { state: 'resumed', budget_session_id, budget_usd: null, spent_usd },
      });
    }
    if (leave !== 'held') return this.#draft.input({ on: 'leave', leave });
    const detail = spent === null ? 'The budget is spent.' : spentDetail(spent);
    this.#draft.input({ on: 'leave', leave, reason: { code: 'budget_reached', detail } });
  }
}

/** How long the agent may be kept waiting, milliseconds; null: as long as it takes. */
function waitOf(call: AgentCall): number | null {
  if (call.tool === 'share_artifact') return SHARE_WAIT_MS;
  return call.tool === 'get_child_result' ? (call.input.timeout_seconds ?? CHILD_RESULT_WAIT) * 1000 : null;
}
