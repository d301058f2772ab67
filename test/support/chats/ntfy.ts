import * as z from 'zod';
import type { Asked, ChatAnswer } from './chat.ts';

/** Of the topic `guarded`. */
export const ACCESS_TOKEN = 'tk_standin0123456789abcdefghij';

const url = z.string().regex(/^https?:\/\//);
const action = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('view'), label: z.string().min(1), url, clear: z.boolean().optional() }),
  z.strictObject({
    action: z.literal('http'),
    label: z.string().min(1),
    url,
    method: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string().optional(),
    clear: z.boolean().optional(),
  }),
]);
const message = z.strictObject({
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/),
  title: z.string().optional(),
  message: z.string().optional(),
  priority: z.int().min(1).max(5).optional(),
  tags: z.array(z.string()).optional(),
  click: url.optional(),
  actions: z.array(action).max(3).optional(),
});

/** Longest message, bytes; and longest JSON, because the server reads twice as much of it. */
const MAX_MESSAGE = 4096;
const MAX_JSON = 2 * MAX_MESSAGE;

const bytes = (text: string) => new TextEncoder().encode(text).length;

/**
 * A server of ntfy, by its rules: docs.ntfy.sh/publish `#publish-as-json`, `#action-buttons` (at most three), `#limitations` (4096
 * bytes; a longer message becomes an attachment, which nobody reads on a lock screen, so here it is an error), `#access-tokens`; and
 * its server's source (`handlePublish`, `transformBodyJSON`).
 */
export function ntfy({ method, url: asked, headers, body }: Asked): ChatAnswer {
  const { pathname } = new URL(asked);
  if (method !== 'POST' || pathname !== '/') return { status: 404, body: 'not a publish as JSON' };
  if (bytes(body) > MAX_JSON) return { status: 413, body: 'JSON body too large' };
  const read = message.safeParse(JSON.parse(body));
  if (!read.success) return { status: 400, body: z.prettifyError(read.error) };
  const { topic, title = '', message: text = '', actions = [] } = read.data;
  if (topic === 'guarded' && headers['authorization'] !== `Bearer ${ACCESS_TOKEN}`)
    return { status: 403, body: 'forbidden' };
  if (bytes(text) > MAX_MESSAGE) return { status: 413, body: 'it would become an attachment' };
  return { status: 200, body: '{}', shown: [title, text, ...actions.map(({ label }) => `[${label}]`)] };
}
