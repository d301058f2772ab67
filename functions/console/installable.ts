import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';
import { refuse } from '../refuse.ts';
import { consoleFile } from './files.ts';

/** What may be changed at any time under the same name: the browser asks each time. */
const FRESH = { 'cache-control': 'no-cache' };

/** What the worker may do: nothing but ask this service, and show its notifications. */
const WORKER_CSP =
  "default-src 'none'; connect-src 'self'; script-src 'self'; img-src 'self'; require-trusted-types-for 'script'";

const ICON = /^(?:icon|icon-192|icon-512|maskable-512|apple-touch-icon|badge-96)\.(svg|png)$/;
const TYPES: Readonly<Record<string, string>> = { svg: 'image/svg+xml', png: 'image/png' };

/** What makes the console an app that can be installed, opens offline and is notified (`console/worker/`). */
export function addInstallable(app: OpenAPIHono<AppEnv>): void {
  app.get('/sw.js', (c) =>
    give(c, 'sw.js', {
      'content-type': 'text/javascript; charset=utf-8',
      'content-security-policy': WORKER_CSP,
      'service-worker-allowed': '/',
      ...FRESH,
    }),
  );
  app.get('/manifest.webmanifest', (c) =>
    give(c, 'manifest.webmanifest', { 'content-type': 'application/manifest+json; charset=utf-8', ...FRESH }),
  );
  app.get('/icons/:file', (c) => {
    const name = c.req.param('file');
    const type = TYPES[ICON.exec(name)?.[1] ?? ''];
    if (type === undefined) return notFound(c, name);
    return give(c, name, {
      'content-type': type,
      // A picture that is opened by itself runs nothing.
      'content-security-policy': "default-src 'none'",
      'cache-control': 'public, max-age=86400',
    });
  });
}

async function give(c: Context<AppEnv>, name: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  return (await consoleFile(c, name, headers)) ?? notFound(c, name);
}

function notFound(c: Context<AppEnv>, name: string): Response {
  return refuse(c, { refused: 'route_not_found', detail: `The console has no file ${name}.` });
}
