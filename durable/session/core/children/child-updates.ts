import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import type { MessageView } from '../../../../protocol/api/session/message.ts';
import type { ChildResult } from '../../../../protocol/api/session/child.ts';

/** Of a message, what its parent is told. */
export type EndedMessage = Omit<MessageView, 'background_tasks' | 'retry_at'>;

/** An update that a child sends to its parent, as the parent's log stores it. */
export type ChildEvent = Extract<
  OwnEvent,
  { type: `child.${'status' | 'result' | 'interaction' | 'callback_failed'}` }
>;

/**
 * The update for the parent about an event of the child `child_session_id`; null: this event makes no update.
 *
 * @param messageOf looks up a message of the child; null: it does not exist any more
 */
export function childEventOf(
  child_session_id: string,
  event: OwnEvent,
  messageOf: (id: string) => EndedMessage | null,
): ChildEvent | null {
  const { type, data } = event;
  if (type === 'session.status') {
    const { status, reason } = data;
    return { type: 'child.status', data: { child_session_id, status, reason } };
  }
  const answered = answeredBy(event);
  if (answered !== null) {
    const message = messageOf(answered);
    if (message === null || message.settled_at === null) return null;
    return { type: 'child.result', data: { child_session_id, ...resultOf(message) } };
  }
  if (type === 'interaction.opened') {
    const { interaction_id, subject } = data;
    return { type: 'child.interaction', data: { child_session_id, interaction_id, state: 'open', subject } };
  }
  if (type === 'interaction.closed') {
    const { interaction_id, state } = data;
    return { type: 'child.interaction', data: { child_session_id, interaction_id, state, subject: null } };
  }
  // Passed on unchanged to each parent above, so that people who watch the root session see every descendant that waits
  // for them.
  return type === 'child.interaction' ? event : null;
}

/**
 * The message of which this event says that it has an answer, or one more; null: it says no such thing. Until a message has
 * settled, what it has is not its answer.
 */
export function answeredBy({ type, data }: OwnEvent): string | null {
  const isEnd = type === 'message.completed' || type === 'message.failed' || type === 'message.interrupted';
  if (isEnd || type === 'message.settled') return data.message_id;
  // A turn that had nothing to say changes no answer.
  const speaks = type === 'turn.ended' && data.status === 'completed' && (data.result ?? '') !== '';
  return speaks ? data.message_id : null;
}

/** Longest result in an update to the parent, characters. The child's own log has all of it. */
const MAX_RESULT = 262_144;

/** The result of a message that has ended, for updates and reports. Throws if the message is queued or running. */
export function resultOf(view: EndedMessage): ChildResult {
  const { message_id, status, result = null, error, duration_ms = null, total_cost_usd = null, usage = null } = view;
  if (status === 'queued' || status === 'processing') throw new Error('a message that goes on has no result');
  return {
    message_id,
    status,
    result: result === null ? null : truncated(result),
    error,
    duration_ms,
    total_cost_usd,
    usage,
  };
}

function truncated(result: string): string {
  if (result.length <= MAX_RESULT) return result;
  return `${result.slice(0, MAX_RESULT)}\n… (cut here: ${result.length} characters in all, which the child’s events have)`;
}
