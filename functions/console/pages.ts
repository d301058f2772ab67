import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';
import { refuse } from '../refuse.ts';
import { consoleFile } from './files.ts';
import { pageHeaders } from './page-headers.ts';
import { PAGES } from './page-paths.ts';

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** A name that the bundler has made: it changes with what is in the file. */
const FILE = /^[\w-]+-[A-Z0-9]{8}\.(js|css)$/;

/** The console for people: its page, and the files that the page loads (`scripts/console/bundle-console.ts`). */
export function addConsole(app: OpenAPIHono<AppEnv>): void {
  for (const path of PAGES) app.get(path, (c) => consolePage(c, 200));
  app.get('/console/:file', async (c) => {
    const name = c.req.param('file');
    const type = TYPES[FILE.exec(name)?.[1] ?? ''];
    const headers = { 'content-type': type ?? '', 'cache-control': 'public, max-age=31536000, immutable' };
    const found = type === undefined ? null : await consoleFile(c, name, headers);
    if (found !== null) return found;
    const detail = `The console has no file ${name}. A page of an earlier version asks for its own: load it anew.`;
    return refuse(c, { refused: 'route_not_found', detail });
  });
}

/** Whether a browser opens a page with this call. A program that wants an answer it can read does not ask for HTML. */
export const opensPage = ({ req }: Pick<Context, 'req'>): boolean =>
  (req.method === 'GET' || req.method === 'HEAD') && (req.header('accept')?.includes('text/html') ?? false);

/** The console's page. @param status 404: the page says itself that it has nothing at this address */
export async function consolePage(c: Context<AppEnv>, status: 200 | 404): Promise<Response> {
  const page = await pageText(c);
  const headers = pageHeaders(c, await scriptOf(page));
  const etag = await etagOf(page, headers);
  if (status === 200 && c.req.header('if-none-match') === etag) return c.body(null, 304, { ...headers, etag });
  const found = await consoleFile(c, 'index.html', { ...headers, etag }, status);
  if (found === null) throw new Error('the console is not built');
  return found;
}

/**
 * Changes with the page, and with its headers: of an answer that a browser has, it takes no other CSP. It is a weak one, because the page may
 * come compressed.
 */
async function etagOf(page: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const hash = await sha256(JSON.stringify(headers) + page);
  return `W/"${Array.from(hash.slice(0, 12), (byte) => byte.toString(16).padStart(2, '0')).join('')}"`;
}

async function pageText(c: Context<AppEnv>): Promise<string> {
  const found = await c.env.ASSETS.fetch('https://assets/console/index.html');
  if (!found.ok) throw new Error(`the console is not built: ${found.status}`);
  return await found.text();
}

/** The script that is in the page (`console/loading/begin.ts`), as CSP names it. */
async function scriptOf(page: string): Promise<string> {
  const script = /<script type="module">(.*?)<\/script>/s.exec(page)?.[1];
  if (script === undefined) throw new Error('the console is not built: its page has no script');
  return `sha256-${btoa(String.fromCharCode(...(await sha256(script))))}`;
}

const sha256 = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
