import path from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../../until.ts';

/** Where the page is, at the console's own origin. */
const PATH = '/hostile';

/**
 * Opens a page that has the console's components for what agents write, under the console's own CSP. It is served by the debugger: the
 * service has no such page. `components.jsx` says what it can do.
 */
export async function openComponents(page: Page): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, 'components.jsx')],
    outdir: '/',
    bundle: true,
    format: 'esm',
    target: ['es2022', 'chrome123'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    write: false,
    logLevel: 'silent',
  });
  const headers = (await page.request.get('/')).headers();
  await page.route(
    ({ pathname }) => pathname.startsWith(PATH),
    (route) => {
      const { pathname } = new URL(route.request().url());
      const file = outputFiles.find(({ path }) => path.endsWith(pathname.slice(PATH.length + 1)));
      if (pathname !== PATH && file !== undefined)
        return route.fulfill({ contentType: TYPES[path.extname(pathname)] ?? '', body: file.text });
      const policy = { 'content-security-policy': headers['content-security-policy'] ?? '' };
      return route.fulfill({ contentType: 'text/html; charset=utf-8', headers: policy, body: PAGE });
    },
  );
  await page.goto(PATH);
  await until(async () => expect(await page.evaluate('typeof show')).toBe('function'));
}

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css' };

const PAGE = `<!doctype html><html lang="en"><head><title>Hostile</title><link rel="icon" href="${PATH}/components.css">
<link rel="stylesheet" href="${PATH}/components.css"><script type="module" src="${PATH}/components.js"></script></head>
<body></body></html>`;
