import { createMiddleware } from 'hono/factory';
import { edgeSettings } from '../protocol/settings/edge-settings.ts';
import type { AppEnv } from './app-env.ts';
import { refuse } from './refuse.ts';

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
