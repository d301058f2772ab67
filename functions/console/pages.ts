import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';
import { refuse } from '../refuse.ts';

/** The pages of the console, by its own paths (`console/app.tsx` has the same). All are one document. */
const PAGES = ['/', '/sessions', '/sessions/:id', '/sessions/:id/:view'];

/** Nothing runs but the console's own files, whatever an agent wrote, and nothing of it goes elsewhere. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** A name that the bundler has made: it changes with what is in the file. */
const FILE = /^[\w-]+-[A-Z0-9]{8}\.(js|css)$/;

/** The console for people: its page, and the files that the page loads (`scripts/bundle-console.ts`). */
export function addConsole(app: OpenAPIHono<AppEnv>): void {
  for (const path of PAGES) app.get(path, (c) => page(c));
  app.get('/console/:file', async (c) => {
    const name = c.req.param('file');
    const type = TYPES[FILE.exec(name)?.[1] ?? ''];
    const found = type === undefined ? null : await c.env.ASSETS.fetch(`https://assets/console/${name}`);
    if (type === undefined || found?.ok !== true)
      return refuse(c, { refused: 'route_not_found', detail: `The console has no file ${name}.` });
    const headers = { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' };
    return new Response(found.body, { headers });
  });
}

async function page(c: Context<AppEnv>): Promise<Response> {
  const found = await c.env.ASSETS.fetch('https://assets/console/index.html');
  if (!found.ok) throw new Error(`the console is not built: ${found.status}`);
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': CSP,
    'cache-control': 'no-cache',
  };
  return new Response(found.body, { headers });
}
