import type { OwnEvent } from '../../../protocol/api/session/own-events.ts';
import type { InteractionView } from '../../../protocol/api/session/interaction.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { ChildResult } from '../../../protocol/api/session/child.ts';
import { answeredBy, resultOf, type EndedMessage } from './children/child-updates.ts';
import type { SessionStatus } from '../../../protocol/api/session/session.ts';

/** An update for people on Discord. The session stores it until the desk has it. */
export type StoredDeskUpdate =
  /** People are asked, or are no longer asked. */
  | { readonly kind: 'asked' | 'closed'; readonly interaction_id: string }
  /** People are reminded of a question for the time `attempt` of `of`. */
  | { readonly kind: 'reminded'; readonly interaction_id: string; readonly attempt: number; readonly of: number }
  | {
      readonly kind: 'notified';
      readonly message: string;
      readonly priority: InteractionView['priority'];
      readonly summary: string | null;
    }
  /**
   * A message has ended, or the agent has more to say of it. With what it said: when this is sent, it may have said something
   * else. Absent in what version 0.1 wrote.
   */
  | { readonly kind: 'ended'; readonly message_id: string; readonly result?: ChildResult }
  | { readonly kind: 'status'; readonly status: SessionStatus; readonly reason: Reason | null };

/**
 * The update for Discord about an event; null: this event makes no update.
 *
 * @param followed the session has a thread on Discord, which also shows its results and status
 * @param messageOf looks up a message; null: it does not exist any more
 */
export function deskUpdateOf(
  event: OwnEvent,
  followed: boolean,
  messageOf: (message_id: string) => EndedMessage | null,
): StoredDeskUpdate | null {
  const { type, data } = event;
  if (type === 'interaction.opened') return { kind: 'asked', interaction_id: data.interaction_id };
  if (type === 'interaction.closed') return { kind: 'closed', interaction_id: data.interaction_id };
  if (type === 'interaction.reminded') {
    const { interaction_id, attempt, of } = data;
    return { kind: 'reminded', interaction_id, attempt, of };
  }
  if (type === 'session.notification') return { kind: 'notified', ...data };
  if (!followed) return null;
  const answered = answeredBy(event);
  if (answered !== null) {
    const message = messageOf(answered);
    if (message === null || message.settled_at === null) return null;
    return { kind: 'ended', message_id: answered, result: resultOf(message) };
  }
  return type === 'session.status' ? { kind: 'status', status: data.status, reason: data.reason } : null;
}
