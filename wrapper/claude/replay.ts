import * as z from 'zod';
import { decodedBytes } from '../../protocol/content/base64.ts';
import { once } from '../lib/once.ts';

const line = once(() =>
  z.looseObject({
    type: z.literal('user'),
    isReplay: z.literal(true),
    message: z.looseObject({ content: z.array(z.unknown()) }),
  }),
);
const block = once(() =>
  z.looseObject({
    type: z.enum(['image', 'document']),
    source: z.looseObject({ type: z.enum(['base64', 'text']), data: z.string() }),
  }),
);

/**
 * Claude Code repeats each message that it is given. Of an image or a document, the session's log gets the size in place of
 * the data, as in `message.queued`. Null: this line is no such message, and goes on as it is.
 */
export function withoutData(value: Readonly<Record<string, unknown>>): string | null {
  // Before the parse: this runs for every such line.
  if (value['isReplay'] !== true || !hasData(value['message'])) return null;
  const replay = line().safeParse(value);
  if (!replay.success) return null;
  const { message } = replay.data;
  const blocks = message.content.map((one) => block().safeParse(one));
  if (!blocks.some(({ success }) => success)) return null;
  const content = message.content.map((one, index) => {
    const { data: found } = blocks[index] ?? {};
    if (found === undefined) return one;
    const { data, ...source } = found.source;
    const bytes = source.type === 'base64' ? decodedBytes(data) : Buffer.byteLength(data);
    return { ...found, source: { ...source, bytes } };
  });
  return JSON.stringify({ ...replay.data, message: { ...message, content } });
}

/** There is more than text: perhaps an image. */
function hasData(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !('content' in message)) return false;
  return Array.isArray(message.content) && message.content.some((one: unknown) => Object(one).type !== 'text');
}
