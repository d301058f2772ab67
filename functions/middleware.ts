import { createMiddleware } from 'hono/factory';
import { edgeSettings } from '../protocol/settings/edge-settings.ts';
import type { AppEnv } from './app-env.ts';
import { readJson } from './body.ts';
import { refuse } from './refuse.ts';
import { verifyUser } from './token.ts';

/** Reads the settings. Without valid settings every call is refused. */
export const withSettings = createMiddleware<AppEnv>(async (c, next) => {
  const parsed = edgeSettings.safeParse(c.env);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    return refuse(c, { refused: 'not_configured', detail: `The edge's settings do not fit. ${wrong}` });
  }
  c.set('settings', parsed.data);
  return next();
});

/** Admits callers with a user's token. */
export const withOwner = createMiddleware<AppEnv>(async (c, next) => {
  const verified = await verifyUser(c.req.header('authorization'), c.get('settings').JWT_SECRET);
  if ('refused' in verified) return refuse(c, verified, { 'www-authenticate': 'Bearer' });
  c.set('owner', verified.claims.sub);
  c.set('expires', verified.claims.exp * 1000);
  return next();
});

/** The calls whose bodies may carry images and documents. */
const TAKES_BLOCKS = /\/sessions\/[^/]+\/(chat|spawn)$/;

/** Refuses a body that is too large, whatever length was declared, and a body that is not JSON. */
export const withJsonBody = createMiddleware<AppEnv>(async (c, next) => {
  const json = await readJson(c.req.raw, TAKES_BLOCKS.test(c.req.path));
  if ('refused' in json) return refuse(c, json);
  // These calls take only JSON, whatever content type is declared (curl's `-d` declares a form).
  const headers = new Headers(c.req.raw.headers);
  headers.set('content-type', 'application/json');
  c.req.raw = new Request(c.req.raw, { method: c.req.method, headers, body: json.text });
  return next();
});
