import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { AppEnv } from '../app-env.ts';
import { originOf } from './origin-of.ts';
import { refuse } from '../refuse.ts';

/** What keeps the pages of other sites out, and browsers from doing more with an answer than show it. */

/** No DNS server answers for these, so no name that leads here by DNS can look like them. (Below `localhost` are previews.) */
function isAddress(hostname: string): boolean {
  return /^localhost$|^\[|^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * Refuses a name that is not ours. With DNS rebinding, a page's own name leads to this machine, so that the browser takes
 * the page for one of ours. Over HTTPS the certificate has proved the name.
 */
function ifUnknownHost(c: Context<AppEnv>): Response | null {
  const { protocol, hostname } = originOf(c.req.url);
  const { PUBLIC_URL, ALLOWED_HOSTS } = c.get('settings');
  const isKnown =
    protocol === 'https:' ||
    isAddress(hostname) ||
    ALLOWED_HOSTS.includes(hostname) ||
    (PUBLIC_URL !== null && originOf(PUBLIC_URL).hostname === hostname);
  if (isKnown) return null;
  const detail = `This service is not known as ${hostname}. If it is yours: set PUBLIC_URL to where people reach it, or ALLOWED_HOSTS to its further names.`;
  return refuse(c, { refused: 'host_unknown', detail });
}

/** Refuses pages of other sites, save those of `CORS_ORIGINS`. Programs send no `Origin`. */
function ifUnknownOrigin(c: Context<AppEnv>): Response | null {
  const origin = c.req.header('origin');
  const { PUBLIC_URL, CORS_ORIGINS } = c.get('settings');
  if (origin === undefined || origin === PUBLIC_URL || CORS_ORIGINS.includes(origin)) return null;
  if (origin === originOf(c.req.url).origin) return null;
  const detail = `A page of ${origin} may not call this. If it is yours, name it in CORS_ORIGINS.`;
  return refuse(c, { refused: 'origin_refused', detail });
}

/** Refuses names that are not ours, and pages of other sites. */
export const withKnownSite: MiddlewareHandler<AppEnv> = (c, next) => {
  const refused = ifUnknownHost(c) ?? ifUnknownOrigin(c);
  return refused === null ? next() : Promise.resolve(refused);
};

const CORS = {
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: [
    'authorization',
    'content-type',
    'idempotency-key',
    'if-none-match',
    'if-range',
    'last-event-id',
    'mcp-protocol-version',
    'range',
    'traceparent',
    'tracestate',
    'x-request-id',
  ],
  exposeHeaders: ['content-disposition', 'content-range', 'etag', 'retry-after', 'www-authenticate', 'x-request-id'],
  maxAge: 600,
};

/** Tells browsers which pages may read the answers: those of `CORS_ORIGINS`. They send tokens, and no cookies. */
export const withCors: MiddlewareHandler<AppEnv> = (c, next) => {
  const { CORS_ORIGINS } = c.get('settings');
  // None may: then only a browser that asks needs to hear it.
  if (CORS_ORIGINS.length === 0 && c.req.method !== 'OPTIONS') return next();
  return cors({ ...CORS, origin: CORS_ORIGINS })(c, next);
};
