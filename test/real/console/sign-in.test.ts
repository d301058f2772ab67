import { request, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { axe } from '../../support/console/axe.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { atMost } from '../../support/patience.ts';
import type { Visit } from '../../support/console/visit.ts';

/** Signing in to the console, in a real browser. */

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await ConsoleScene.start();
}, atMost(60));
afterAll(() => scene.stop());

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true });
const inbox = (page: Page) => heading(page, 'Inbox').waitFor();
const cookies = async ({ context }: Visit) => (await context.cookies()).map(({ name }) => name);
const sessionOf = (page: Page) =>
  page.evaluate<{ id: string; sub: string } | null>(
    "fetch('/api/v1/console/session', { headers: { 'x-cc-docker-console': '1' } }).then((a) => a.json()).then((b) => b.session)",
  );

/** As another program on the page's origin would do it. */
const SIGN_OUT =
  "fetch('/api/v1/console/session', { method: 'DELETE', headers: { 'x-cc-docker-console': '1' } }).then((a) => a.status)";

describe.skipIf(!hasChromium())('somebody signs in', () => {
  test('with a one-time link: it asks, and no address or history keeps the code', async () => {
    const code = await scene.service.loginCode('grace');
    const visit = await scene.visit({ token: null, path: `/sessions#code=${code}` });
    const { page } = visit;
    await page.getByText('This link signs you in as grace').waitFor();
    expect(new URL(page.url()).hash).toBe('');
    expect(await axe(page)).toEqual([]);
    expect(await cookies(visit)).toEqual([]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Sessions').waitFor();
    expect(await sessionOf(page)).toMatchObject({ sub: 'grace' });
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(visit.requests.filter((url) => url.includes(code))).toEqual([]);

    // Once more, in another browser.
    const other = await scene.visit({ token: null, path: `/#code=${code}` });
    other.allow(/401/);
    await other.page.getByRole('button', { name: 'Sign in' }).click();
    expect(await other.page.getByRole('alert').textContent()).toContain('used before');
    await other.page.getByRole('button', { name: 'Another way' }).click();
    await other.page.getByRole('textbox', { name: 'Token' }).waitFor();
  });

  test('with a token that is pasted; a wrong one is told what to do', async () => {
    const visit = await scene.visit({ token: null });
    visit.allow(/401/);
    const { page } = visit;
    await heading(page, 'Sign in').waitFor();
    expect(await axe(page)).toEqual([]);
    const token = page.getByRole('textbox', { name: 'Token' });
    await token.fill('wrong');
    await token.press('Enter');
    expect(await page.getByRole('alert').textContent()).toContain('no token or code of this service');
    await token.fill(`Bearer ${await scene.service.token('grace')}`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await inbox(page);
    // It is there after a reload, and in another tab.
    await page.reload();
    await inbox(page);
    expect(await sessionOf(page)).toMatchObject({ sub: 'grace' });
  });

  test('else than who is signed in already only after a question', async () => {
    const visit = await scene.visit();
    const { page } = visit;
    await inbox(page);
    const code = await scene.service.loginCode('mallory');
    await page.goto(`/#code=${code}`);
    await page.getByText('in place of ada').waitFor();
    await page.getByRole('button', { name: 'Stay as you are' }).click();
    await inbox(page);
    expect(await sessionOf(page)).toMatchObject({ sub: 'ada' });
  });
});

describe.skipIf(!hasChromium())('a sign-in that ends', () => {
  test('is asked for over the page, which then goes on where it was, with the call that was refused', async () => {
    const visit = await scene.visit({ width: 'desk' });
    visit.allow(/401/);
    const { page } = visit;
    await inbox(page);
    await page.evaluate("window.kept = 'half-written'");
    const { id } = (await sessionOf(page)) ?? { id: '' };
    const admin = await scene.service.client('root', { scope: 'admin' });
    await admin.call('POST', '/revocations', { jti: id });
    await heading(page, 'Sign in again').waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('textbox', { name: 'Token' }).fill(await scene.service.token('ada'));
    const feed = page.waitForResponse((answer) => answer.url().includes('/api/v1/events') && answer.ok());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await feed;
    await heading(page, 'Sign in again').waitFor({ state: 'detached' });
    expect(await page.evaluate('window.kept')).toBe('half-written');
  });

  test('in one tab has ended in all; so has nothing of one person’s stayed for the next', async () => {
    const visit = await scene.visit();
    visit.allow(/401/);
    await inbox(visit.page);
    const other = await visit.context.newPage();
    await other.goto('/sessions');
    await heading(other, 'Sessions').waitFor();
    const value = (await visit.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    await visit.page.evaluate("sessionStorage.setItem('cc-docker.draft', 'secret')");
    await visit.page.evaluate(SIGN_OUT);
    await visit.page.reload();
    await heading(visit.page, 'Sign in').waitFor();
    await heading(other, 'Sign in again').waitFor();
    await other.getByRole('textbox', { name: 'Token' }).fill(await scene.service.token('grace'));
    await other.evaluate("window.kept = 'of ada'");
    await other.getByRole('button', { name: 'Sign in' }).click();
    await heading(other, 'Sessions').waitFor();
    await expect.poll(() => other.evaluate('window.kept')).toBeUndefined();
    // What was copied of the first sign-in is worth nothing.
    const replayed = await fetch(`${scene.service.url}/api/v1/sessions`, {
      headers: { cookie: value, 'x-cc-docker-console': '1' },
    });
    expect(replayed.status).toBe(401);
  });
});

describe('the page is served', () => {
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    // `fetch` would ask for more, and unpack what comes.
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number;
      headers: IncomingHttpHeaders;
      body: Buffer;
    }>();
    request(`${scene.service.url}${path}`, { method, headers }, (answer) => {
      void buffer(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
        reject,
      );
    })
      .on('error', reject)
      .end();
    return promise;
  };

  test('compressed where the browser takes it, once for good, and within 60 KB', async () => {
    const plain = await get('/');
    const files = [...plain.body.toString().matchAll(/\/console\/[\w.-]+/g)].map(([path]) => path);
    expect(files.length).toBeGreaterThan(1);
    for (const [encoding, unpack] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      let bytes = 0;
      for (const path of ['/', ...files]) {
        const whole = await get(path);
        const packed = await get(path, { 'accept-encoding': `zstd, ${encoding};q=0.9` });
        bytes += packed.body.byteLength;
        expect(whole.headers['content-encoding']).toBeUndefined();
        // A small one is not worth it.
        if (whole.body.byteLength < 512) continue;
        expect(packed.headers['content-encoding'], path).toBe(encoding);
        expect(packed.headers.vary).toBe('accept-encoding');
        expect(unpack(packed.body).equals(whole.body), path).toBe(true);
        expect((await get(path, { 'accept-encoding': `${encoding};q=0` })).headers['content-encoding']).toBeUndefined();
        if (path !== '/') expect(packed.headers['cache-control']).toContain('immutable');
      }
      expect(bytes, encoding).toBeLessThan(60_000);
    }
  });

  test('anew only when it has changed, or what it may do has', async () => {
    const { headers, body } = await get('/');
    const etag = headers.etag ?? '';
    const same = await get('/sessions', { 'if-none-match': etag });
    expect({ status: same.status, body: same.body.byteLength }).toEqual({ status: 304, body: 0 });
    expect((await get('/', { 'if-none-match': 'W/"other"' })).body.equals(body)).toBe(true);
    const head = await get('/', {}, 'HEAD');
    expect({ status: head.status, etag: head.headers.etag, bytes: head.body.byteLength }).toEqual({
      status: 200,
      etag,
      bytes: 0,
    });
    // By another name previews are elsewhere, and so is what may be in a frame.
    const port = new URL(scene.service.url).port;
    expect(headers['content-security-policy']).toContain(`frame-src http://*.localhost:${port};`);
    expect((await get('/', { host: 'cc.example.org', 'if-none-match': etag })).status).toBe(421);
  });

  test('with headers that let nothing else in, and an address without a page says so', async () => {
    const { headers } = await get('/sessions/x/files');
    expect(headers).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-cache',
    });
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['content-security-policy']).toContain("require-trusted-types-for 'script'");
    const missing = await get('/no/such/page', { accept: 'text/html,*/*' });
    expect({ status: missing.status, type: missing.headers['content-type'] }).toEqual({
      status: 404,
      type: 'text/html; charset=utf-8',
    });
    for (const path of [
      '/no/such/page',
      '/console/main-AAAAAAAA.js',
      '/console/..%2findex.html',
      '/console/index.html',
    ]) {
      const answer = await get(path, { 'accept-encoding': 'br' });
      expect({ path, status: answer.status }).toEqual({ path, status: 404 });
      expect(JSON.parse(answer.body.toString()).code).toBe('route_not_found');
    }
  });
});
