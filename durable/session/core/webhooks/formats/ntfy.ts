import { ntfyTopic } from '../../../../../protocol/api/webhook.ts';
import { fitted } from '../fitted.ts';
import type { Choice, Words } from '../words.ts';

/** Publishing to a topic of ntfy as JSON: docs.ntfy.sh/publish, `#publish-as-json`, `#action-buttons`, `#limitations`. */

/** Longest message, bytes. What is longer becomes an attachment. The server reads JSON of twice as much. */
const MAX_MESSAGE = 4096;
const MAX_JSON = 2 * MAX_MESSAGE;
/** Longest title here, bytes. */
const MAX_TITLE = 250;
/** Most action buttons of a message. */
const MAX_ACTIONS = 3;
/** Longest label of a button here, characters. */
const MAX_LABEL = 40;

/** From 1 (min) to 5 (max). */
const PRIORITIES = { low: 2, normal: 3, high: 4, urgent: 5 } as const;

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text).length;
const plain = (text: string) => text;

/**
 * The body of a post.
 *
 * @param url of the topic
 * @param link to the page that answers it; null: there is none. A button of the app posts to it, so that one tap answers
 */
export function ntfyBody({ title, text, priority, emoji, choices }: Words, url: string, link: string | null): string {
  const rest = {
    topic: ntfyTopic(url)?.topic,
    title: fitted(title, plain, (one) => bytes(one) <= MAX_TITLE),
    priority: PRIORITIES[priority],
    tags: [emoji],
    ...(link !== null && { click: link, actions: actionsOf(choices, link) }),
  };
  const bodyOf = (message: string) => JSON.stringify({ ...rest, message });
  const fits = (one: string) => bytes(one) <= MAX_MESSAGE && bytes(bodyOf(one)) <= MAX_JSON;
  // ntfy says "triggered" where there is no message.
  return bodyOf(fitted(text === '' ? title : text, plain, fits));
}

/** Each choice with one tap, if there is room for all of them; else a button that opens the page. */
function actionsOf(choices: readonly Choice[], link: string): object[] {
  const open = { action: 'view', label: 'Answer', url: link };
  if (choices.length === 0 || choices.length > MAX_ACTIONS) return [open];
  const taps = choices.map(({ label, field, value }) => ({
    action: 'http',
    label: fitted(label, plain, ({ length }) => length <= MAX_LABEL),
    url: link,
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ [field]: value }).toString(),
    clear: true,
  }));
  return taps.length < MAX_ACTIONS ? [...taps, open] : taps;
}
