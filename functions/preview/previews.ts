import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { sessionStub } from '../../durable/rpc/edge-env.ts';
import { previewLabelOf } from '../../protocol/preview/host.ts';
import { isPreviewKey } from '../../protocol/preview/key.ts';
import { decodeLabel } from '../../protocol/preview/label.ts';
import { PAGE_HEADER, previewPage, type PreviewVisit } from '../../protocol/preview/visit.ts';
import type { AppEnv } from '../app-env.ts';
import { overAddressLimit } from '../gate/limits.ts';
import { withAccess } from '../telemetry/access.ts';
import { executionOf } from '../telemetry/background.ts';
import { requestIdOf } from '../telemetry/request-id.ts';
import { settingsOf } from '../web/middleware.ts';
import { originOf } from '../web/origin-of.ts';
import { headersForPort, headersForVisitor } from './headers.ts';
import { answer, NOT_HERE, NOTHING, saidOf, tooMany } from './pages.ts';
import { ownCookie, visitorOf } from './visitor.ts';

/** On these hosts, what comes over plain HTTP is as good as over TLS for a browser: it does not leave the machine. */
const LOCAL = /\.localhost$/;

/**
 * Takes all requests to hosts of previews, before anything else looks at them: no route of the API answers there, whatever the path,
 * and no other host reaches a port.
 *
 * @param where `elsewhere`: this edge has no sessions, and says so
 */
export function previewHosts(where: 'worker' | 'elsewhere'): MiddlewareHandler<AppEnv> {
  const previews = previewsApp(where);
  return (c, next) => {
    const settings = settingsOf(c.env).data;
    // Without settings that fit, every call is refused.
    if (settings === undefined) return next();
    if (previewLabelOf(originOf(c.req.url).hostname, settings) === null) return next();
    return Promise.resolve(previews.fetch(c.req.raw, c.env, executionOf(c)));
  };
}

function previewsApp(where: 'worker' | 'elsewhere'): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    const settings = settingsOf(c.env).data;
    if (settings === undefined) throw new Error('a preview was asked for without settings');
    c.set('settings', settings);
    c.set('requestId', requestIdOf(null));
    c.set('route', 'preview');
    await next();
  });
  app.use(withAccess);
  app.all('*', async (c) => {
    const limited = await overAddressLimit(c);
    if (limited !== null) {
      c.set('refused', limited.refused);
      return answer(tooMany(limited.retry_after_seconds ?? 1), visitorOf(c.req.raw).navigates);
    }
    return where === 'worker' ? visit(c) : answer(NOT_HERE, visitorOf(c.req.raw).navigates);
  });
  app.onError((error, c) => {
    console.error(`edge: a preview failed (request ${c.get('requestId')}):`, error);
    const broken = { page: 'broken', detail: 'The session could not be reached just now.', again_seconds: 1 } as const;
    return answer(saidOf({ ...broken, listening: [] }), visitorOf(c.req.raw).navigates);
  });
  return app;
}

async function visit(c: Context<AppEnv>): Promise<Response> {
  const request = c.req.raw;
  const settings = c.get('settings');
  const { hostname, host, protocol } = originOf(request.url);
  const visitor = visitorOf(request);
  const label = previewLabelOf(hostname, settings) ?? '';
  const named = decodeLabel(label);
  const keys = [...(visitor.urlKey === null ? [] : [visitor.urlKey]), ...visitor.cookieKeys];
  const key = named === null ? null : await rightOne(keys, (one) => isPreviewKey(settings, label, one));
  if (named === null || key === null) return answer(NOTHING, visitor.navigates);
  // Whoever ends TLS before us says by `PUBLIC_URL` that it does.
  const isPublic = settings.PREVIEW_DOMAIN !== null && settings.PUBLIC_URL?.startsWith('https:') === true;
  const scheme = isPublic ? 'https:' : protocol;
  if (visitor.urlKey === key && visitor.navigates && request.method === 'GET') {
    // Absolute: a path that begins with two slashes would else be another host.
    const location = `${scheme}//${host}${visitor.target}`;
    const isTrustworthy = scheme === 'https:' || LOCAL.test(hostname);
    const headers = { location, 'set-cookie': ownCookie(key, isTrustworthy), 'cache-control': 'no-store' };
    return new Response(null, { status: 303, headers: { ...headers, 'referrer-policy': 'no-referrer' } });
  }
  const wakes = visitor.navigates || visitor.urlKey === key;
  const asked: PreviewVisit = { label, host, target: visitor.target, wakes };
  const { method, body, signal } = request;
  const headers = headersForPort(request.headers, host, scheme, settings.ADDRESS_HEADER);
  const found = await sessionStub(c.env, named.session_id).fetch(
    `https://session/preview?visit=${encodeURIComponent(JSON.stringify(asked))}`,
    { method, headers, signal, redirect: 'manual', ...(body !== null && { body }) },
  );
  if (found.headers.has(PAGE_HEADER)) {
    return answer(saidOf(previewPage.parse(await found.json())), visitor.navigates);
  }
  const shown = headersForVisitor(found.headers);
  const { status, statusText, webSocket } = found;
  if (webSocket !== null) return new Response(null, { status, webSocket, headers: shown });
  return new Response(found.body, { status, statusText, headers: shown });
}

/** The first of these that is right; null: none is. */
async function rightOne(keys: readonly string[], isRight: (key: string) => Promise<boolean>): Promise<string | null> {
  for (const key of keys.slice(0, MOST_KEYS)) if (await isRight(key)) return key;
  return null;
}

/** Keys of one request that are tried: the URL's, and of cookies more than a browser has. */
const MOST_KEYS = 4;
