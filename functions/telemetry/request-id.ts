import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../app-env.ts';

export const REQUEST_ID = 'x-request-id';

/** Long enough for all usual kinds of ids, too short for a token, which somebody could send by mistake. */
const SAFE = /^[A-Za-z0-9._-]{1,64}$/;

/** The id of a call: what its caller sent, if that may stand in a log, else a new one. */
export function requestIdOf(sent: string | null | undefined): string {
  return typeof sent === 'string' && SAFE.test(sent) ? sent : crypto.randomUUID();
}

/** Gives the call an id: the caller's own `x-request-id` if it is one that may stand in a log, else a new one. Each answer has it. */
export const withRequestId = createMiddleware<AppEnv>(async (c, next) => {
  const id = requestIdOf(c.req.header(REQUEST_ID));
  c.set('requestId', id);
  // An answer that is made by way of the context has it from the start. One that was made elsewhere has to be made anew.
  c.header(REQUEST_ID, id);
  await next();
  if (c.res.headers.has(REQUEST_ID)) return;
  const { webSocket } = c.res;
  if (c.res.status !== 101) return c.header(REQUEST_ID, id);
  if (webSocket === null) return;
  // The headers of an upgrade cannot be changed, only written anew.
  const upgrade = new Response(null, { status: 101, webSocket, headers: [...c.res.headers, [REQUEST_ID, id]] });
  c.res = undefined;
  c.res = upgrade;
});
