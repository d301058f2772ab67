import type { ChildLine, ChildOutcome } from '../../rpc/session/views.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { settingsOf } from '../core/settings/live-settings.ts';
import { resultOf } from '../core/children/child-updates.ts';
import type { MessageTable } from '../store/messages/message-table.ts';
import { totalCost, type SessionRecord } from '../store/record.ts';

/** A session's state, as its parent's agent sees it. */
export function childLineOf(record: SessionRecord): ChildLine {
  const { identity, live, state, open_interactions } = record;
  return {
    title: settingsOf(identity, live).title,
    status: state.status,
    reason: state.reason?.detail ?? null,
    pending_messages: state.queue.length + state.steered.length + (state.current === null ? 0 : 1),
    total_cost_usd: totalCost(record),
    open_interactions,
  };
}

/**
 * The outcome of a message, as the parent's agent sees it.
 *
 * @param messageId absent: the newest message
 */
export function childOutcomeOf(
  record: SessionRecord,
  messages: MessageTable,
  messageId: string | undefined,
): ChildOutcome | Refusal {
  const { session_id } = record.identity;
  const id = messageId ?? messages.newest();
  const view = id === null ? null : messages.view(session_id, id);
  if (view === null) return { refused: 'message_not_found', detail: 'The child has no message with this id.' };
  const { open_interactions } = record;
  if (view.status === 'queued' || view.status === 'processing') {
    const state = record.children.spent === null ? 'working' : 'paused';
    return { message_id: view.message_id, state, result: null, error: null, total_cost_usd: null, open_interactions };
  }
  const { message_id, status, result, error, total_cost_usd } = resultOf(view);
  // What it said so far is not its answer yet: subagents of its still work.
  if (view.settled_at === null)
    return { message_id, state: 'working', result, error, total_cost_usd, open_interactions };
  return { message_id, state: status, result, error, total_cost_usd, open_interactions };
}
