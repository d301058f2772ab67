import type { ChildResult } from '../../../protocol/api/child.ts';
import type { OwnEvent } from '../../../protocol/api/event.ts';
import type { InteractionView } from '../../../protocol/api/interaction.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { SessionStatus } from '../../../protocol/api/session.ts';

/** What of a session people on Discord are told, as the session keeps it until the desk has it. */
export type StoredDeskNews =
  /** Somebody is asked, reminded, or asked no longer. */
  | { readonly kind: 'asked' | 'closed'; readonly interaction_id: string }
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

/** The same, with all that is to be shown. */
export type DeskNews =
  | { readonly kind: 'asked' | 'closed'; readonly view: InteractionView }
  | { readonly kind: 'reminded'; readonly view: InteractionView; readonly attempt: number; readonly of: number }
  | Extract<StoredDeskNews, { kind: 'notified' | 'status' }>
  | { readonly kind: 'ended'; readonly result: ChildResult };

/** Which session tells, and whose it is. */
export interface DeskSession {
  readonly session_id: string;
  readonly owner: string;
}

/**
 * What of an event is told on Discord; null: nothing.
 *
 * @param followed the session has a thread there, in which its work is shown as well
 */
export function deskNewsOf({ type, data }: OwnEvent, followed: boolean): StoredDeskNews | null {
  if (type === 'interaction.opened') return { kind: 'asked', interaction_id: data.interaction_id };
  if (type === 'interaction.closed') return { kind: 'closed', interaction_id: data.interaction_id };
  if (type === 'interaction.reminded') {
    const { interaction_id, attempt, of } = data;
    return { kind: 'reminded', interaction_id, attempt, of };
  }
  if (type === 'session.notification') return { kind: 'notified', ...data };
  if (!followed) return null;
  if (type === 'message.completed' || type === 'message.failed' || type === 'message.interrupted') {
    return { kind: 'ended', message_id: data.message_id };
  }
  return type === 'session.status' ? { kind: 'status', status: data.status, reason: data.reason } : null;
}
