import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { axe } from '../../support/console/axe.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { close, listen } from '../../support/net/listen.ts';
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
    "fetch('/api/v1/console/session', { headers: { 'x-cc-docker-console': localStorage['cc-docker.page-key'] } }).then((a) => a.json()).then((b) => b.session)",
  );

/** As another program on the page's origin would do it. */
const SIGN_OUT =
  "fetch('/api/v1/console/session', { method: 'DELETE', headers: { 'x-cc-docker-console': localStorage['cc-docker.page-key'] } }).then((a) => a.status)";

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
    const key = await visit.page.evaluate<string>("localStorage['cc-docker.page-key']");
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
      headers: { cookie: value, 'x-cc-docker-console': key },
    });
    expect(replayed.status).toBe(401);
  });
});

describe.skipIf(!hasChromium())(
  'a page on another port of the host, which the browser sends the cookie to the service for,',
  () => {
    let elsewhere: Server;
    /** The cookies that its server was sent. */
    const seen: string[] = [];
    let origin: string;
    beforeAll(async () => {
      elsewhere = createServer(({ headers }, response) => {
        seen.push(headers.cookie ?? '');
        response.setHeader('content-type', 'text/html').end('<!doctype html>');
      });
      origin = `http://127.0.0.1:${await listen(elsewhere, '127.0.0.1')}`;
    });
    afterAll(() => close(elsewhere));

    /** Opens it in a browser in which Ada is signed in to the console. */
    async function attack() {
      const visit = await scene.visit();
      // All that it tries is refused, and said in the browser's log.
      visit.allow(/./);
      await inbox(visit.page);
      const page = await visit.context.newPage();
      await page.goto(origin);
      return { visit, page };
    }

    test('reads and changes nothing in somebody’s name, opens no stream, and shows no console in a frame', async () => {
      const id = await scene.client.createSession();
      await scene.client.ask(id, 'Hi');
      const { visit, page } = await attack();
      const sent: { url: string; cookie: Promise<string | null> }[] = [];
      visit.context.on('request', (one) => sent.push({ url: one.url(), cookie: one.headerValue('cookie') }));
      const api = `${scene.service.url}/api/v1`;
      const tried = await page.evaluate<Record<string, string>>(`(async () => {
      const call = (path, init) => fetch('${api}' + path, { credentials: 'include', ...init }).then((a) => a.type + a.status, (e) => e.name);
      const header = { 'x-cc-docker-console': '1' };
      const socket = new WebSocket('${api.replace('http', 'ws')}/sessions/${id}/stream?after=0');
      const opened = new Promise((resolve) => { socket.onopen = () => resolve('open'); socket.onerror = () => resolve('refused'); });
      return {
        plain: await call('/sessions', { mode: 'no-cors' }),
        read: await call('/sessions', {}),
        header: await call('/sessions', { headers: header }),
        stop: await call('/sessions/${id}/stop', { method: 'POST', headers: header, body: '{}' }),
        remove: await call('/sessions/${id}', { method: 'DELETE', headers: header }),
        signOut: await call('/console/session', { method: 'DELETE', headers: header }),
        socket: await opened,
      };
    })()`);
      expect(tried).toEqual({
        plain: 'TypeError',
        read: 'TypeError',
        header: 'TypeError',
        stop: 'TypeError',
        remove: 'TypeError',
        signOut: 'TypeError',
        socket: 'refused',
      });
      const answered = page.waitForResponse(`${api}/sessions/${id}/stop`);
      await page.evaluate(`(() => {
      const form = document.body.appendChild(document.createElement('form'));
      Object.assign(form, { method: 'post', action: '${api}/sessions/${id}/stop' });
      form.submit();
    })()`);
      const form = await answered;
      expect(form.status()).toBe(403);
      await page.waitForURL(`${api}/sessions/${id}/stop`);
      await page.goto(origin);
      // The browser did its part: its own server was sent the cookie.
      expect(seen.join(' ')).toContain('cc-docker-');
      expect((await scene.client.show(id)).status).toBe('idle');
      expect(await sessionOf(visit.page)).toMatchObject({ sub: 'ada' });

      await page.evaluate(`document.body.appendChild(document.createElement('iframe')).src = '${scene.service.url}/'`);
      await expect.poll(() => page.frames().map((frame) => frame.url())).toContain('chrome-error://chromewebdata/');
    });

    test('puts nobody into its own sign-in with a cookie of that name, and has no use of one that it is sent', async () => {
      const { visit, page } = await attack();
      const [ours] = await visit.context.cookies();
      const headers = { 'x-cc-docker-console': 'of-the-attacker' };
      const authorization = `Bearer ${await scene.service.token('mallory')}`;
      const signedIn = await fetch(`${scene.service.url}/api/v1/console/session`, {
        method: 'POST',
        headers: { ...headers, authorization, origin: scene.service.url },
      });
      const mallory = /=([^;]+)/.exec(signedIn.headers.get('set-cookie') ?? '')?.[1] ?? '';
      // The longer path comes first. Ours is out of its reach.
      await page.evaluate(`document.cookie = '${ours?.name}=${mallory}; path=/api'`);
      await visit.page.reload();
      await inbox(visit.page);
      expect(await sessionOf(visit.page)).toMatchObject({ sub: 'ada' });
      // A server on that port is sent the cookie, as all of the host are.
      const replayed = await fetch(`${scene.service.url}/api/v1/sessions`, {
        headers: { ...headers, cookie: `${ours?.name}=${ours?.value}` },
      });
      expect(replayed.status).toBe(401);
      // Where nobody is signed in, its cookie signs nobody in.
      await visit.page.evaluate(SIGN_OUT);
      await visit.page.reload();
      await heading(visit.page, 'Sign in').waitFor();
    });
  },
);

interface Raw {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer as it comes. `fetch` would ask for more, and unpack what comes. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Raw> {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>();
  const sent = request(`${scene.service.url}${path}`, { method, headers }, (answer) => {
    const { statusCode: status = 0, headers } = answer;
    void buffer(answer).then((body) => resolve({ status, headers, body }), reject);
  });
  sent.on('error', reject).end();
  return promise;
}

describe('the page is served', () => {
  test('compressed where the browser takes it, and once for good', async () => {
    const plain = await get('/');
    const files = [...plain.body.toString().matchAll(/\/console\/[\w.-]+/g)].map(([path]) => path);
    expect(files.length).toBeGreaterThan(1);
    for (const [encoding, unpack] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      for (const path of ['/', ...files]) {
        const whole = await get(path);
        const packed = await get(path, { 'accept-encoding': `zstd, ${encoding};q=0.9` });
        expect(whole.headers['content-encoding']).toBeUndefined();
        // A small one is not worth it.
        if (whole.body.byteLength < 512) continue;
        expect(packed.headers['content-encoding'], path).toBe(encoding);
        expect(packed.headers.vary).toBe('accept-encoding');
        expect(unpack(packed.body).equals(whole.body), path).toBe(true);
        expect((await get(path, { 'accept-encoding': `${encoding};q=0` })).headers['content-encoding']).toBeUndefined();
        if (path !== '/') expect(packed.headers['cache-control']).toContain('immutable');
      }
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
