import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AppEnv } from '../app-env.ts';

/** Routes as they are shown, by the routes' paths, of which there are a hundred. */
const shown = new Map<string, string>();

/** The route that a call was for, such as `/api/v1/sessions/{session_id}`: never what stands in its place. `none`: there is no such route. */
export function routeOf(c: Context<AppEnv>): string {
  const named = c.get('route');
  if (named !== undefined) return named;
  const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'));
  if (route === undefined) return 'none';
  // As `GET /openapi.json` writes it.
  const text = shown.get(route.path) ?? route.path.replaceAll(/:(\w+)(?:\{[^/]*\})?/g, '{$1}');
  shown.set(route.path, text);
  return text;
}

/** The methods that the routes have. Any other is a word of the caller's own. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export const methodOf = (c: Context<AppEnv>): string => (METHODS.has(c.req.method) ? c.req.method : 'OTHER');
