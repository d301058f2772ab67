import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
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
export const withKnownHost = createMiddleware<AppEnv>(async (c, next) => {
  const { protocol, hostname } = originOf(c.req.url);
  const { PUBLIC_URL, ALLOWED_HOSTS } = c.get('settings');
  const isKnown =
    protocol === 'https:' ||
    isAddress(hostname) ||
    ALLOWED_HOSTS.includes(hostname) ||
    (PUBLIC_URL !== null && originOf(PUBLIC_URL).hostname === hostname);
  if (isKnown) return next();
  const detail = `This service is not known as ${hostname}. If it is yours: set PUBLIC_URL to where people reach it, or ALLOWED_HOSTS to its further names.`;
  return refuse(c, { refused: 'host_unknown', detail });
});

/** Refuses pages of other sites, save those of `CORS_ORIGINS`. Programs send no `Origin`. */
export const withKnownOrigin = createMiddleware<AppEnv>(async (c, next) => {
  const origin = c.req.header('origin');
  const { PUBLIC_URL, CORS_ORIGINS } = c.get('settings');
  if (origin === undefined || origin === PUBLIC_URL || CORS_ORIGINS.includes(origin)) return next();
  if (origin === originOf(c.req.url).origin) return next();
  const detail = `A page of ${origin} may not call this. If it is yours, name it in CORS_ORIGINS.`;
  return refuse(c, { refused: 'origin_refused', detail });
});

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
export const withCors = createMiddleware<AppEnv>((c, next) => {
  const { CORS_ORIGINS } = c.get('settings');
  // None may: then only a browser that asks needs to hear it.
  if (CORS_ORIGINS.length === 0 && c.req.method !== 'OPTIONS') return next();
  return cors({ ...CORS, origin: CORS_ORIGINS })(c, next);
});

export const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;
const SAFE = Object.entries(SAFE_HEADERS);

/**
 * Sets the headers of a careful service on each answer that does not set them itself. Most answers are made with them: to change an
 * answer is to make another, which costs as much as all the rest of a small one.
 */
export const withSafeHeaders = createMiddleware<AppEnv>(async (c, next) => {
  for (const [name, value] of SAFE) c.header(name, value);
  await next();
  // A WebSocket's answer cannot be changed, and is no page. One that Hono's context has made has the last of them.
  if (c.res.status === 101 || c.res.headers.has('x-frame-options')) return;
  const [first, ...others] = SAFE.filter(([name]) => !c.res.headers.has(name));
  if (first === undefined) return;
  // This makes another answer, whose headers can be changed: once.
  c.header(...first);
  for (const [name, value] of others) c.res.headers.set(name, value);
});
