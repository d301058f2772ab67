import type { PushAction, PushMessage } from '../../../../../protocol/api/push.ts';
import type { WebhookEvent } from '../../../../../protocol/api/webhook.ts';
import { fitted } from '../fitted.ts';
import type { Choice, Words } from '../words.ts';

/** Push messages (RFC 8030), which the console's service worker makes notifications of. */

/** Longest title, text and label of an action, characters: what phones show of a notification is shorter. */
const MAX_TITLE = 120;
const MAX_TEXT = 400;
const MAX_LABEL = 60;
/** Longest message, bytes of JSON: a small one wakes a phone for a shorter time. */
const MAX_BYTES = 2500;
/** Most actions: platforms show two or three. */
const MAX_ACTIONS = 4;

/** What a push message is about. */
export interface PushContext {
  readonly session_id: string;
  /** What is asked; null: it is about something else. */
  readonly interaction_id: string | null;
  /** Of the event in the session's log; null: it is not known. */
  readonly seq: number | null;
  /** Of the event, epoch milliseconds. */
  readonly time: number;
  /** After this nobody needs it, epoch milliseconds. */
  readonly until: number;
  /** Whether the owner is among those who are asked. */
  readonly canAnswer: boolean;
}

/** What is sent to the push service, before it is encrypted. */
export interface PushParts {
  readonly message: PushMessage;
  /** How long the push service keeps it for a device that is away, seconds. */
  readonly ttl: number;
  readonly urgency: 'low' | 'normal' | 'high';
  /** A newer message with the same topic replaces this one while it waits; null: none does. */
  readonly topic: string | null;
}

/** What each event is to a person; any other is a notification. */
const KINDS: Readonly<Partial<Record<WebhookEvent, PushMessage['kind']>>> = {
  'interaction.opened': 'question',
  'interaction.reminded': 'question',
  'interaction.resolved': 'closed',
  'interaction.expired': 'closed',
  'interaction.withdrawn': 'closed',
  'message.completed': 'ended',
  'message.failed': 'failed',
  'session.failed': 'failed',
  'budget.reached': 'failed',
};

/** How a notice is sent as a push message. @param now epoch milliseconds */
export function pushParts(type: WebhookEvent, words: Words, about: PushContext, now: number): PushParts {
  const kind = KINDS[type] ?? 'notification';
  const topic = topicOf(kind, about);
  return {
    message: messageOf(kind, words, about, topic ?? `${about.session_id} ${about.time}`),
    ttl: Math.max(0, Math.floor((about.until - now) / 1000)),
    urgency: urgencyOf(kind, words.priority),
    topic,
  };
}

/**
 * At most 32 characters of base64url: a UUID without its dashes. A question's reminder and its end replace the question, and how a
 * session's newest message has ended replaces how the one before it has. What an agent says replaces nothing.
 */
function topicOf(kind: PushMessage['kind'], { session_id, interaction_id }: PushContext): string | null {
  if (kind === 'notification') return null;
  return (interaction_id ?? session_id).replaceAll('-', '');
}

/** What waits for a person wakes a sleeping phone. What is over does not. */
function urgencyOf(kind: PushMessage['kind'], priority: Words['priority']): PushParts['urgency'] {
  if (kind === 'closed') return 'low';
  if (kind === 'question') return 'high';
  return priority === 'urgent' ? 'high' : priority;
}

function messageOf(
  kind: PushMessage['kind'],
  { title, text, choices }: Words,
  { session_id, interaction_id, seq, time, canAnswer }: PushContext,
  tag: string,
): PushMessage {
  const actions = kind === 'question' && canAnswer ? actionsOf(choices) : [];
  const message = {
    kind,
    title: fitted(title, plain, ({ length }) => length <= MAX_TITLE),
    tag,
    // The page of a session scrolls to the event that its address names.
    path: `/sessions/${session_id}${seq === null ? '' : `#e${seq}`}`,
    time,
    session_id,
    ...(interaction_id !== null && { interaction_id }),
    ...(actions.length > 0 && { actions }),
  };
  const fits = (shown: string) => shown.length <= MAX_TEXT && bytes({ ...message, text: shown }) <= MAX_BYTES;
  return { ...message, text: fitted(text, plain, fits) };
}

/** Each choice with one tap, if there is room for all of them: with some of them alone, one might take them for all. */
function actionsOf(choices: readonly Choice[]): PushAction[] {
  if (choices.length > MAX_ACTIONS) return [];
  return choices.flatMap(({ label, field, value }) => {
    const answer = field === 'decision' ? decisionOf(value) : { answer: value };
    return answer === null ? [] : [{ label: fitted(label, plain, ({ length }) => length <= MAX_LABEL), answer }];
  });
}

function decisionOf(value: string): PushAction['answer'] | null {
  return value === 'allow' || value === 'allow_session' || value === 'deny' ? { decision: value } : null;
}

const encoder = new TextEncoder();
const bytes = (value: object) => encoder.encode(JSON.stringify(value)).length;
const plain = (text: string) => text;
