import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../app-env.ts';
import { REQUEST_ID, requestIdOf } from '../telemetry/request-id.ts';

export const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/**
 * Gives the call an id: the caller's own `x-request-id` if it is one that may stand in a log, else a new one. Each answer has it, and
 * the headers of a careful service, unless it has others of these names. What else a handler wants in each answer goes to the same
 * place: one that is made of them at once (`answerWith`) costs a third of one that gets them later.
 */
export const withAnswerHeaders = createMiddleware<AppEnv>(async (c, next) => {
  const id = requestIdOf(c.req.header(REQUEST_ID));
  c.set('requestId', id);
  c.set('answerHeaders', { ...SAFE_HEADERS, [REQUEST_ID]: id });
  await next();
  if (c.get('isWhole') !== true) complete(c, id);
});

/** An answer with all its headers. */
export function answerWith(c: Context, text: string, headers: Readonly<Record<string, string>>): Response {
  c.set('isWhole', true);
  return new Response(text, { headers: { ...c.get('answerHeaders'), ...headers } });
}

/** Gives an answer the headers that it lacks. */
function complete(c: Context<AppEnv>, id: string): void {
  const { status, headers, webSocket } = c.res;
  if (status === 101) {
    if (webSocket === null || headers.has(REQUEST_ID)) return;
    // The headers of an upgrade cannot be changed, only written anew. It is no page, so it needs no others.
    const upgrade = new Response(null, { status: 101, webSocket, headers: [...headers, [REQUEST_ID, id]] });
    c.res = undefined;
    c.res = upgrade;
    return;
  }
  const [first, ...others] = Object.entries(c.get('answerHeaders')).filter(([name]) => !headers.has(name));
  if (first === undefined) return;
  if (!couldSet(headers, first)) {
    // This makes another answer, whose headers can be changed: once.
    c.header(...first);
  }
  for (const [name, value] of others) c.res.headers.set(name, value);
}

/** Sets a header, unless these cannot be changed: those of an answer that somebody else has given. */
function couldSet(headers: Headers, [name, value]: [string, string]): boolean {
  try {
    headers.set(name, value);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
