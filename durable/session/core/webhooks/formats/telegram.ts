import { telegramChat } from '../../../../../protocol/api/webhook.ts';
import { fitted } from '../fitted.ts';
import type { Words } from '../words.ts';

/** `sendMessage` of a Telegram bot: core.telegram.org/bots/api#sendmessage, #html-style. */

/** Most characters of a message: 4096 once its tags are read. Tags and entities count here, too. */
const MAX_TEXT = 4096;

/** All that has to be escaped in text; and in an attribute, the quotation mark. */
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const attribute = (text: string) => escaped(text).replaceAll('"', '&quot;');

/** The title takes a part of the message at most. */
const MAX_TITLE = 512;

/**
 * The body of a post.
 *
 * @param url of the receiver, which names the chat
 * @param link to the page that answers it; null: there is none. Not a button: Telegram refuses a message with a button whose URL it
 *   does not like, such as one of this machine
 */
export function telegramBody({ title, text, priority }: Words, url: string, link: string | null): string {
  const answer = link === null ? '' : `\n\n<a href="${attribute(link)}">Answer</a>`;
  const head = fitted(
    title,
    (one) => `<b>${escaped(one)}</b>`,
    ({ length }) => length <= MAX_TITLE,
  );
  const room = MAX_TEXT - head.length - answer.length - 1;
  const body = text === '' ? '' : `\n${fitted(text, escaped, ({ length }) => length <= room)}`;
  return JSON.stringify({
    chat_id: telegramChat(url)?.chat,
    text: head + body + answer,
    parse_mode: 'HTML',
    // A preview would fetch the link.
    link_preview_options: { is_disabled: true },
    ...(priority === 'low' && { disable_notification: true }),
  });
}
