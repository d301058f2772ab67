import type { childToolOutputs } from '../../../protocol/link/child-tools.ts';
import type * as z from 'zod';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { resultOf } from '../core/children/child-updates.ts';
import type { MessageTable } from '../store/tables/message-table.ts';
import type { SessionRecord } from '../store/record.ts';

/** A session as the agent that began it sees it, but for what that knows itself. */
export type ChildLine = Omit<
  z.infer<typeof childToolOutputs.list_children>['children'][number],
  'child_session_id' | 'title'
>;
export type ChildOutcome = Omit<z.infer<typeof childToolOutputs.get_child_result>, 'child_session_id'>;

export function childLineOf({ state, cost_usd, live_usd, open_interactions }: SessionRecord): ChildLine {
  return {
    status: state.status,
    reason: state.reason?.detail ?? null,
    pending_messages: state.queue.length + (state.current === null ? 0 : 1),
    total_cost_usd: cost_usd + live_usd,
    open_interactions,
  };
}

/** @param messageId absent: the newest */
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
    const state = record.spent === null ? 'working' : 'paused';
    return { message_id: view.message_id, state, result: null, error: null, total_cost_usd: null, open_interactions };
  }
  const { message_id, status, result, error, total_cost_usd } = resultOf(view);
  return { message_id, state: status, result, error, total_cost_usd, open_interactions };
}
