import type { OwnEvent } from '../../../protocol/api/event.ts';
import type { InteractionView } from '../../../protocol/api/interaction.ts';
import type { Reason } from '../../../protocol/reason.ts';
import { answeredBy } from './children/child-updates.ts';
import type { SessionStatus } from '../../../protocol/api/session.ts';

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
  /** A message has ended. */
  | { readonly kind: 'ended'; readonly message_id: string }
  | { readonly kind: 'status'; readonly status: SessionStatus; readonly reason: Reason | null };

/**
 * The update for Discord about an event; null: this event makes no update.
 *
 * @param followed the session has a thread on Discord, which also shows its results and status
 * @param isSettled whether a message has its answer
 */
export function deskUpdateOf(
  event: OwnEvent,
  followed: boolean,
  isSettled: (message_id: string) => boolean,
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
  if (answered !== null) return isSettled(answered) ? { kind: 'ended', message_id: answered } : null;
  return type === 'session.status' ? { kind: 'status', status: data.status, reason: data.reason } : null;
}
