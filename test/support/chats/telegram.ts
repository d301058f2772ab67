import type { Asked, ChatAnswer } from './chat.ts';

/** The token of the only bot that it knows. */
export const BOT_TOKEN = '123456789:AAE-standin_0123456789abcdefghijkl';

/**
 * `sendMessage` of the Bot API, by its rules: core.telegram.org/bots/api `#making-requests` (the path, the answers), `#sendmessage` (1 to
 * 4096 characters after entities parsing), `#html-style` (the tags, and the three characters that have to be escaped).
 */
export function telegram({ method, url, headers, body }: Asked): ChatAnswer {
  const { pathname } = new URL(url);
  if (!pathname.startsWith(`/bot${BOT_TOKEN}/`)) return error(pathname.startsWith('/bot') ? 401 : 404, 'Unauthorized');
  if (pathname !== `/bot${BOT_TOKEN}/sendMessage`) return error(404, 'Not Found');
  if (method !== 'POST' || headers['content-type'] !== 'application/json') return error(400, 'message text is empty');
  const { chat_id, text, parse_mode } = JSON.parse(body) as Record<string, unknown>;
  if (typeof chat_id !== 'string' || !/^(-?\d+|@\w{5,})$/.test(chat_id)) return error(400, 'chat not found');
  if (typeof text !== 'string' || text === '') return error(400, 'message text is empty');
  if (parse_mode !== 'HTML') return error(400, 'unsupported parse_mode');
  const read = readHtml(text);
  if (read === null) return error(400, "can't parse entities");
  if (read.length > 4096) return error(400, 'message is too long');
  return { status: 200, body: JSON.stringify({ ok: true, result: { message_id: 1 } }), shown: [read] };
}

function error(code: number, description: string): ChatAnswer {
  return { status: code, body: JSON.stringify({ ok: false, error_code: code, description }) };
}

const TAGS = /^<(?:(b|i|code|pre)|a href="([^"<>]*)")>$|^<\/(b|i|code|pre|a)>$/;
const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"' };

/** The text without its tags; null: it is no HTML that Telegram reads. */
function readHtml(html: string): string | null {
  const open: string[] = [];
  let text = '';
  for (const [part] of html.matchAll(/<[^>]*>|&[a-z]*;?|[^<&]+|[<&]/g)) {
    if (part.startsWith('&')) {
      const character = ENTITIES[part];
      if (character === undefined) return null;
      text += character;
    } else if (part.startsWith('<')) {
      const tag = TAGS.exec(part);
      if (tag === null) return null;
      const [, plain, href, end] = tag;
      if (end === undefined) open.push(plain ?? (href === undefined ? '' : 'a'));
      else if (open.pop() !== end) return null;
    } else if (part.includes('>')) return null;
    else text += part;
  }
  return open.length === 0 ? text : null;
}
