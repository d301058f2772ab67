import { v7 as uuidV7 } from 'uuid';
import { CHILD_RESULT_WAIT } from '../../../../protocol/link/child-tools.ts';
import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import { PROBLEMS, type Refusal } from '../../../../protocol/api/problem.ts';
import type { ChildIdentity, ChildUpdate } from '../../../rpc/session/child-updates.ts';
import type { VersionedVerdict } from '../../../rpc/directory/reports.ts';
import type { ChildOutcome } from '../../../rpc/session/views.ts';
import { spentDetail } from '../../../shared/turn-permit.ts';
import { childEventOf } from '../../core/children/child-updates.ts';
import type { Change } from './change.ts';
import { listChanged } from '../record.ts';
import type { SessionTables } from '../session-tables.ts';
import type { AgentCall, AgentCallRow } from '../tables/agent-call-table.ts';

/** How long a file's runner or storage may be away before sharing the file fails, milliseconds. */
const SHARE_WAIT_MS = 60_000;

/** The answer to an agent's tool call. */
export type CallAnswer = { readonly structured: Record<string, unknown> } | Refusal;

/** A refusal, as the agent reads it. */
export function refusalText({ refused, detail }: Refusal): string {
  return `${PROBLEMS[refused][1]} (${refused}): ${detail}`;
}

/** The part of a transaction about the session's children, its parent, and what they may cost together. */
export class ChildChanges {
  readonly #tx: Change;
  readonly #tables: SessionTables;
  readonly #now: number;

  constructor(tx: Change, tables: SessionTables, now: number) {
    this.#tx = tx;
    this.#tables = tables;
    this.#now = now;
  }

  /** The agent has called a tool that this session cannot answer alone. */
  called(call_id: string, call: AgentCall, tool_use_id: string | null): void {
    const wait = waitOf(call);
    const deadline = wait === null ? null : this.#now + wait;
    if (call.tool === 'get_child_result') this.#tables.calls.supersede(call.input);
    this.#tables.calls.add({ call_id, call, made: uuidV7(), deadline, tool_use_id });
  }

  /**
   * A child's result is known. It is sent to the container that waits for it, and kept until the agent has read it. If that
   * container has ended, the agent gets it as a message, which wakes the session.
   */
  result(call_id: string, outcome: ChildOutcome): void {
    const row = this.#tables.calls.get(call_id);
    if (row === null || row.answered !== null) return;
    if (row.over) return this.#passResult(row, outcome);
    this.#tables.calls.answer(call_id, outcome);
    this.#orderAnswer(call_id, { ...outcome });
  }

  /** Answers a call, unless the agent no longer waits for it. */
  answer(call_id: string, answer: CallAnswer): void {
    const row = this.#tables.calls.get(call_id);
    if (row === null) return;
    this.#tables.calls.remove(call_id);
    // The container has ended, and the child is gone as well: there is nothing to tell.
    if (row.over) return;
    if ('refused' in answer) {
      return this.#tx.order({ command: 'tool_result', call_id, text: refusalText(answer), is_error: true });
    }
    this.#orderAnswer(call_id, answer.structured);
  }

  #orderAnswer(call_id: string, structured: Record<string, unknown>): void {
    const text = JSON.stringify(structured);
    this.#tx.order({ command: 'tool_result', call_id, text, is_error: false, structured });
  }

  /** The session has a child. The same again changes nothing. */
  created({ child_id, title, message_id }: ChildIdentity): void {
    if (this.#tables.children.lastUpdate(child_id) !== null) return;
    this.#tables.children.add(child_id, title);
    const { record } = this.#tx;
    this.#setChildren([...record.children.ids, child_id]);
    this.#tx.emit({ type: 'child.spawned', data: { child_session_id: child_id, title, message_id } });
  }

  /** Takes a child's updates. Those that came before are ignored: the child repeats them when our answer was lost. */
  updated(child: ChildIdentity, updates: readonly ChildUpdate[]): void {
    // An update may overtake the answer to the call that created the child.
    this.created(child);
    const { child_id } = child;
    this.#tables.children.retitle(child_id, child.title);
    const stored = this.#tables.children.lastUpdate(child_id) ?? 0;
    for (const { n, event } of updates) if (n > stored) this.#tx.emit(event);
    const last = updates.at(-1)?.n ?? stored;
    if (last <= stored) return;
    this.#tables.children.setLastUpdate(child_id, last);
    // What a child does counts as this session's activity.
    this.#tx.record = { ...this.#tx.record, last_activity: this.#now };
    this.#tables.calls.wake(child_id);
  }

  /** The container is being ended: nobody waits for its calls, save for a child's result. */
  containerEnding(): void {
    this.#tables.calls.keepResults();
  }

  /** The container has ended: the results that the agent waited for, or has not read, will come as messages. */
  containerEnded(): void {
    this.#tables.calls.containerEnded();
  }

  /** Its owner has stopped the session, so no child wakes it. */
  awaitNone(): void {
    this.#tables.calls.clear();
  }

  /** Gives the agent the results that it had not read when its container ended. This wakes the session. */
  pass(): void {
    for (const row of this.#tables.calls.owed()) if (row.answered !== null) this.#passResult(row, row.answered);
  }

  #passResult({ call_id, call }: AgentCallRow, outcome: ChildOutcome): void {
    this.#tables.calls.remove(call_id);
    if (call.tool !== 'get_child_result') return;
    const id = call.input.child_session_id.toLowerCase();
    const title = this.#tables.children.all().find((child) => child.id === id)?.title ?? null;
    this.#tx.prompt({ message_id: uuidV7(), prompt: resultMessage(id, title, outcome), origin: 'user' });
  }

  /** A child is being deleted. */
  deleted(childId: string): void {
    if (this.#tables.children.lastUpdate(childId) === null) return;
    this.#tables.children.remove(childId);
    this.#tables.calls.wake(childId);
    const { record } = this.#tx;
    this.#setChildren(record.children.ids.filter((id) => id !== childId));
    this.#tx.emit({ type: 'child.deleted', data: { child_session_id: childId } });
  }

  /** A session has a container that works in this one's files, or no longer has one. */
  sharedBy(sessionId: string, shares: boolean): void {
    const { record } = this.#tx;
    const others = record.sharing.sharers.filter((id) => id !== sessionId);
    const sharers = shares ? [...others, sessionId] : others;
    this.#tx.record = { ...record, sharing: { ...record.sharing, sharers } };
    this.#tx.input({ on: 'shared', shared: sharers.length > 0 });
  }

  /** Sets what the session and all below it may cost, USD; null: no limit. */
  budgeted(budget_usd: number | null): void {
    const { record } = this.#tx;
    const { budget_usd: _before, ...rest } = record.identity.request.config;
    const config = budget_usd === null ? rest : { ...rest, budget_usd };
    const identity = { ...record.identity, request: { ...record.identity.request, config } };
    this.#tx.record = listChanged({ ...record, identity });
  }

  /** Passes an event on to the parent, if there is one and it follows events of this kind. */
  happened(event: OwnEvent): void {
    const { spawn, session_id } = this.#tx.record.identity;
    if (spawn === null) return;
    const update = childEventOf(session_id, event, (id) => this.#tables.messages.view(session_id, id));
    if (update === null) return;
    this.#tables.parentUpdates.add(update);
  }

  /** The budget ledger says whether turns may begin. An older verdict that arrives late changes nothing. */
  permit({ version, verdict }: VersionedVerdict): void {
    const { record } = this.#tx;
    if (version <= record.children.verdict_version) return;
    const { permit, spent } = verdict;
    // A budget that still covers the running turns is not reported as reached.
    const reached = spent !== null && spent.expected_usd === 0 ? spent : null;
    this.#tx.record = { ...record, children: { ...record.children, verdict_version: version, spent: reached } };
    const before = record.children.spent;
    if (reached !== null && before === null) {
      const { session_id: budget_session_id, budget_usd, spent_usd } = reached;
      this.#tx.emit({
        type: 'session.budget',
        data: { state: 'reached', budget_session_id, budget_usd, spent_usd },
      });
    } else if (reached === null && before !== null) {
      const { session_id: budget_session_id, spent_usd } = before;
      this.#tx.emit({
        type: 'session.budget',
        data: { state: 'resumed', budget_session_id, budget_usd: null, spent_usd },
      });
    }
    if (permit !== 'suspended') return this.#tx.input({ on: 'permit', permit });
    const detail = spent === null ? 'The budget is spent.' : spentDetail(spent);
    this.#tx.input({ on: 'permit', permit, reason: { code: 'budget_reached', detail } });
  }

  #setChildren(ids: readonly string[]): void {
    const { record } = this.#tx;
    this.#tx.record = listChanged({ ...record, children: { ...record.children, ids } });
  }
}

/** What the agent reads when a child has ended for whose result it could not wait any longer. */
function resultMessage(childId: string, title: string | null, { state, result, error }: ChildOutcome): string {
  const name = title === null ? childId : `${childId} (${title})`;
  const said = result === null ? '' : ` Its result:\n\n${result}`;
  const why = error === null ? '' : ` ${error.code}: ${error.detail}`;
  return `You waited for the result of the child session ${name} when your container ended. The child's message is ${state} now.${why}${said}`;
}

/** How long the agent may be kept waiting, milliseconds; null: as long as it takes. */
function waitOf(call: AgentCall): number | null {
  if (call.tool === 'share_artifact') return SHARE_WAIT_MS;
  return call.tool === 'get_child_result' ? (call.input.timeout_seconds ?? CHILD_RESULT_WAIT) * 1000 : null;
}
