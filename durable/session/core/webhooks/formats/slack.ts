import { fitted } from '../fitted.ts';
import type { Words } from '../words.ts';

/**
 * An incoming webhook of Slack, and of what takes the same (Mattermost, Rocket.Chat, Discord's `/slack`).
 * docs.slack.dev: messaging/sending-messages-using-incoming-webhooks, reference/block-kit/blocks/section-block,
 * messaging/formatting-message-text.
 */

/** Most characters of a section's text. */
const MAX_SECTION = 3000;
/** Most characters of the text that notifications show; Slack cuts at 40,000. */
const MAX_TEXT = 4000;

/** Slack takes these three for its own: `<!channel>` would call everybody. */
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const within = (text: string, most: number, write = escaped) => fitted(text, write, ({ length }) => length <= most);

/** Of `verbatim` text Slack makes no links of what looks like one. */
const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } });

/** The body of a post. @param link to the page that answers it; null: there is none */
export function slackBody({ title, text }: Words, link: string | null): string {
  const head = within(title, MAX_SECTION, (one) => `*${escaped(one)}*`);
  const sections = [head, ...(text === '' ? [] : [within(text, MAX_SECTION)])];
  if (link !== null) sections.push(`<${escaped(link)}|Answer>`);
  return JSON.stringify({ text: within(title, MAX_TEXT), blocks: sections.map(section) });
}
