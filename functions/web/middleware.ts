import type { MiddlewareHandler } from 'hono';
import { edgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { AppEnv } from '../app-env.ts';
import { refuse } from '../refuse.ts';

/** What was read of each environment. A process has one, and it does not change: other settings come with another process. */
const read = new WeakMap<object, ReturnType<typeof edgeSettings.safeParse>>();

/** The settings, read once. */
export function settingsOf(env: AppEnv['Bindings']): ReturnType<typeof edgeSettings.safeParse> {
  const known = read.get(env) ?? edgeSettings.safeParse(env);
  read.set(env, known);
  return known;
}

/** Reads the settings, once. Without valid settings every call is refused. */
export const withSettings: MiddlewareHandler<AppEnv> = (c, next) => {
  const parsed = settingsOf(c.env);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    const detail = `The edge's settings do not fit. ${wrong}`;
    return Promise.resolve(refuse(c, { refused: 'not_configured', detail }));
  }
  c.set('settings', parsed.data);
  return next();
};
