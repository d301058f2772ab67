import type { OwnEvent } from '../../../../protocol/api/event.ts';
import type { MessageView } from '../../../../protocol/api/message.ts';
import type { ChildResult } from '../../../../protocol/api/child.ts';

/** What a child tells its parent, as it is stored in the parent's log. */
export type ChildEvent = Extract<
  OwnEvent,
  { type: `child.${'status' | 'result' | 'interaction' | 'callback_failed'}` }
>;

/** What of an event of `child_session_id` its parent is told; null: nothing. @param messageOf a message of the child's */
export function childEventOf(
  child_session_id: string,
  event: OwnEvent,
  messageOf: (id: string) => MessageView | null,
): ChildEvent | null {
  const { type, data } = event;
  if (type === 'session.status') {
    const { status, reason } = data;
    return { type: 'child.status', data: { child_session_id, status, reason } };
  }
  if (type === 'message.completed' || type === 'message.failed' || type === 'message.interrupted') {
    const message = messageOf(data.message_id);
    return message === null ? null : { type: 'child.result', data: { child_session_id, ...resultOf(message) } };
  }
  if (type === 'interaction.opened') {
    const { interaction_id, subject } = data;
    return { type: 'child.interaction', data: { child_session_id, interaction_id, state: 'open', subject } };
  }
  if (type === 'interaction.closed') {
    const { interaction_id, state } = data;
    return { type: 'child.interaction', data: { child_session_id, interaction_id, state, subject: null } };
  }
  // People who watch the first session of a tree see who waits for them, however deep.
  return type === 'child.interaction' ? event : null;
}

/** Characters of a result that a parent is told; the child's own log has all of it. */
const MAX_RESULT = 262_144;

/** How a message that has ended is told of. */
export function resultOf(view: MessageView): ChildResult {
  const { message_id, status, result = null, error, duration_ms = null, total_cost_usd = null } = view;
  if (status === 'queued' || status === 'processing') throw new Error('a message that goes on has no result');
  const told = error === null ? null : { code: error.code, detail: error.detail };
  return {
    message_id,
    status,
    result: result === null ? null : shortened(result),
    error: told,
    duration_ms,
    total_cost_usd,
  };
}

function shortened(result: string): string {
  if (result.length <= MAX_RESULT) return result;
  return `${result.slice(0, MAX_RESULT)}\n… (cut here: ${result.length} characters in all, which the child’s events have)`;
}
