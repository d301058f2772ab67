import type { Asked, ChatAnswer } from './chat.ts';

/**
 * An incoming webhook of Slack, by its rules: docs.slack.dev, `messaging/sending-messages-using-incoming-webhooks` (the body, the
 * errors), `reference/block-kit/blocks/section-block` (3000 characters), `reference/block-kit/blocks` (50 blocks),
 * `messaging/formatting-message-text` (`&`, `<` and `>`).
 */
export function slack({ method, headers, body }: Asked): ChatAnswer {
  if (method !== 'POST' || !(headers['content-type'] ?? '').startsWith('application/json'))
    return no('invalid_payload');
  const message = parsed(body);
  if (message === null) return no('invalid_payload');
  const { text, blocks = [] } = message;
  if (typeof text !== 'string' || text === '') return no('no_text');
  if (!Array.isArray(blocks) || blocks.length > 50) return no('invalid_blocks');
  const texts: string[] = [];
  for (const block of blocks as Record<string, unknown>[]) {
    const { type, text: inner } = (block['text'] ?? {}) as Record<string, unknown>;
    if (block['type'] !== 'section' || type !== 'mrkdwn' || typeof inner !== 'string') return no('invalid_blocks');
    if (inner.length < 1 || inner.length > 3000) return no('invalid_blocks');
    texts.push(inner);
  }
  return { status: 200, body: 'ok', shown: [text, ...texts].map(read) };
}

const no = (why: string): ChatAnswer => ({ status: 400, body: why });

function parsed(body: string): Record<string, unknown> | null {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/**
 * A text as Slack shows it: with `[CALLS …]` where it would call people or channels, its links as `[URL label]`, and `[RAW]` for a
 * `<` or `>` that should have been escaped.
 */
function read(text: string): string {
  const linked = text.replaceAll(/<([^<>]*)>/g, (_, inner: string) =>
    /^[!@#]/.test(inner) ? `[CALLS ${inner}]` : `[${inner.replace('|', ' ')}]`,
  );
  const marked = linked.replaceAll(/[<>]/g, '[RAW]');
  return marked.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
