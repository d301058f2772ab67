import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import type { InteractionView } from '../../../../protocol/api/session/interaction.ts';
import type { WebhookEvent } from '../../../../protocol/api/webhook.ts';
import { answeredBy, childEventOf, resultOf, type EndedMessage } from '../children/child-updates.ts';

/** What webhooks post of an event. */
export interface Notice {
  readonly type: WebhookEvent;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a notice says of the session besides the event. */
export interface NoticeContext {
  readonly session_id: string;
  readonly title: string | null;
  /** `seq` of the event. */
  readonly seq: number;
  /** A message of the session; null: it does not exist any more. */
  readonly messageOf: (id: string) => EndedMessage | null;
  /** What an interaction of the session is about; null: it does not exist. */
  readonly subjectOf: (id: string) => InteractionView['subject'] | null;
}

/** Events whose notices have their own name. */
const SAME_NAME = [
  'interaction.opened',
  'interaction.reminded',
  'session.notification',
  'child.spawned',
  'child.status',
  'child.result',
  'child.interaction',
  'child.callback_failed',
  'child.deleted',
] as const satisfies readonly (OwnEvent['type'] & WebhookEvent)[];

/** Events of which webhooks may post something, besides the ends of messages and of containers. */
const NOTICED: readonly OwnEvent['type'][] = [...SAME_NAME, 'interaction.closed', 'session.budget'];

/** Whether webhooks may post something of an event. Quick, because every event of a session is looked at. */
export function isNoticed(event: OwnEvent): boolean {
  if (event.type === 'session.status') return event.data.status === 'stopped' || event.data.status === 'failed';
  return NOTICED.includes(event.type) || answeredBy(event) !== null;
}

function typeOf(event: OwnEvent, messageOf: NoticeContext['messageOf']): WebhookEvent | null {
  const { type, data } = event;
  if (type === 'interaction.closed') return `interaction.${data.state}`;
  if (type === 'session.budget') return `budget.${data.state}`;
  if (type === 'session.status') {
    return data.status === 'stopped' || data.status === 'failed' ? `session.${data.status}` : null;
  }
  return SAME_NAME.find((name) => name === type) ?? endOf(event, messageOf);
}

/** A message's end counts once it has settled: until then, what it has is not its answer. */
function endOf(event: OwnEvent, messageOf: NoticeContext['messageOf']): WebhookEvent | null {
  const answered = answeredBy(event);
  const message = answered === null ? null : messageOf(answered);
  if (message === null || message.settled_at === null) return null;
  const { status } = message;
  return status === 'completed' || status === 'failed' || status === 'interrupted' ? `message.${status}` : null;
}

/** What webhooks post of an event; null: nothing. */
export function noticeOf(event: OwnEvent, context: NoticeContext): Notice | null {
  const type = typeOf(event, context.messageOf);
  if (type === null) return null;
  const { session_id, title, seq } = context;
  const data = detailsOf(event, context);
  return data === null ? null : { type, data: { session_id, session_title: title, seq, ...data } };
}

function detailsOf(event: OwnEvent, { messageOf, subjectOf }: NoticeContext): Readonly<Record<string, unknown>> | null {
  const answered = answeredBy(event);
  if (answered !== null) {
    const message = messageOf(answered);
    return message === null ? null : { ...resultOf(message) };
  }
  if (event.type === 'interaction.reminded' || event.type === 'interaction.closed') {
    const { interaction_id } = event.data;
    return { ...event.data, subject: subjectOf(interaction_id) };
  }
  return event.data;
}

/** What a child's callback posts of an event, by the words of its parent's log; null: nothing. */
export function childNoticeOf(event: OwnEvent, { session_id, messageOf }: NoticeContext): Notice | null {
  return childEventOf(session_id, event, messageOf);
}
