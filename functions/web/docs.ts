import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnv } from '../app-env.ts';
import { asset } from './assets.ts';
import { docsPage, SCRIPT } from './docs-page.ts';

/** The page runs its own scripts, and calls this service alone: nothing of it goes to anybody else. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  // Swagger UI sets styles of elements, and has its icons in its style sheet.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Its version is in its address. */
const FOR_GOOD = { 'cache-control': 'public, max-age=31536000, immutable' };
const JAVASCRIPT = { 'content-type': 'text/javascript; charset=utf-8' };

/** The document of the API for tools, and the page of it for people. */
export function addDocs(app: OpenAPIHono<AppEnv>): void {
  app.get('/openapi.json', (c) => asset(c, 'openapi.json', { 'content-type': 'application/json' }));
  app.get('/docs', (c) => c.html(docsPage(), 200, { 'content-security-policy': CSP }));
  app.get('/docs/docs.js', (c) => c.body(SCRIPT, 200, JAVASCRIPT));
  app.get('/docs/swagger-ui-bundle.js', (c) => asset(c, 'swagger-ui-bundle.js', { ...FOR_GOOD, ...JAVASCRIPT }));
  app.get('/docs/swagger-ui.css', (c) =>
    asset(c, 'swagger-ui.css', { ...FOR_GOOD, 'content-type': 'text/css; charset=utf-8' }),
  );
}
