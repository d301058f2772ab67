import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Chromium, hasChromium } from '../../support/client/chromium.ts';
import type { Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { freePort } from '../../support/net/free-port.ts';
import { atMost } from '../../support/patience.ts';
import { call, open, openSocket, sendRaw } from '../../support/preview/call.ts';
import { run, serve, share, write, type Served } from '../../support/preview/scene.ts';
import { until } from '../../support/until.ts';

/** Shared ports with a real service and the real `claude`, whose agent runs a dev server. */

const HOSTILE = path.join(import.meta.dirname, '../../support/preview/hostile-page.html');
const PAGE = '<!doctype html><h1>one</h1>';
const NAVIGATES = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };

let service: Service;
let client: Client;
let served: Served;
let url: string;
beforeAll(async () => {
  service = await Service.start({
    backend: 'process',
    vars: { MAX_SOCKETS_PER_PORT: '3', MAX_PORT_REQUESTS_PER_SESSION: '12' },
  });
  client = await service.client();
  const id = await client.createSession();
  served = await serve(client, id, await freePort('127.0.0.1'), { 'index.html': PAGE });
  url = await share(client, served, { label: 'the app' });
}, atMost(90));
afterAll(() => service.stop());

const at = (path: string) => new URL(path, url).href.replace(/\?.*$/, '') + (new URL(path, url).search || '');
/** With the key of the URL that was given out. */
const withKey = (path: string) => `${at(path)}${path.includes('?') ? '&' : '?'}${new URL(url).search.slice(1)}`;
/** What a browser has after its first visit. */
async function cookieOf(given = url): Promise<string> {
  const first = await call(service.url, given, { headers: NAVIGATES });
  expect(first.status).toBe(303);
  return (first.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
}
const seen = async (headers: Record<string, string>, path = '/seen') =>
  JSON.parse((await call(service.url, at(path), { headers: { cookie: await cookieOf(), ...headers } })).body);

describe.skipIf(!hasChromium())('a page in a browser', () => {
  test('is seen by its URL alone, and changes when the agent changes it', async () => {
    const chromium = await Chromium.open(url);
    onTestFinished(() => chromium.stop());
    const state = () => chromium.evaluate('({ h: document.querySelector("h1")?.textContent, t: document.title })');
    await until(async () => expect(await state()).toEqual({ h: 'one', t: 'hot hot' }));
    // The key is nowhere that the page could see it.
    const where = `({ href: location.href, cookie: document.cookie, referrer: document.referrer,
      entries: performance.getEntries().map(({ name }) => name).join(), history: JSON.stringify(navigation.entries().map(({ url }) => url)) })`;
    const told = JSON.stringify(await chromium.evaluate(where));
    expect(told).toContain('localhost');
    expect(told).not.toContain('cc_docker_key');
    expect(told).not.toContain(new URL(url).searchParams.get('cc_docker_key'));
    await write(client, served.id, 'index.html', PAGE.replace('one', 'two'));
    await until(async () => expect(await state()).toEqual({ h: 'two', t: 'hot hot' }));
    await write(client, served.id, 'index.html', PAGE);
  });
});

describe.skipIf(!hasChromium())('a hostile page', () => {
  test('gains nothing: neither of the API by any name, nor of other previews, nor its own key', async () => {
    const port = await freePort('127.0.0.1');
    await run(client, served.id, port);
    const other = await share(client, { id: served.id, port });
    await write(client, served.id, 'hostile.html', await readFile(HOSTILE, 'utf8'));
    const chromium = await Chromium.open(other);
    onTestFinished(() => chromium.stop());
    const { port: own } = new URL(service.url);
    const apis = [`http://localhost:${own}`, `http://127.0.0.1:${own}`, `http://app.localhost:${own}`];
    const task = { apis, session: served.id, other: new URL(other).origin };
    await chromium.goTo(`${withKey('/hostile.html')}#${encodeURIComponent(JSON.stringify(task))}`);
    const results = (await chromium.evaluate('results')) as Record<string, string>;
    const got = Object.entries(results).filter(([, result]) => result.startsWith('got: '));
    const key = new URL(url).searchParams.get('cc_docker_key') ?? '';
    const allowed = ([name, result]: [string, string]) =>
      // It cannot read an opaque answer, and `window.open` gives nothing without a person's click.
      (/^(reads without an origin|opens|other: no-cors|other: post)/.test(name) &&
        /^got: (opaque|nothing)$/.test(result)) ||
      (name.startsWith('own ') && result === 'got: no such file') ||
      (name.startsWith('frames') && result === 'got: blank') ||
      (name === 'cookie: own key' && result === 'got: ') ||
      (name === 'cookie: over ours' && result === 'got: null') ||
      (name === 'parent, opener' && result === 'got: true null') ||
      (name === 'storage' && result === 'got: 0 0 0') ||
      (name === 'key' &&
        result.includes('/hostile.html') &&
        !result.includes(key) &&
        !result.includes('cc_docker_key'));
    expect(got.filter((each) => !allowed(each))).toEqual([]);
    expect(got.length).toBeGreaterThan(10);
    // A form that takes the whole window along comes with the other preview's cookie, and is refused for where it comes from.
    const form = `const form = Object.assign(document.createElement('form'), { method: 'post', action: '${new URL('/hit?form', other).href}' });
      document.body.append(form); form.submit();`;
    await chromium.evaluate(form);
    await until(async () => expect(await chromium.evaluate('document.body.textContent')).toContain('Nothing is here'));
    // The other preview's server has heard nothing, though this browser may see it.
    expect((await call(service.url, other.replace('/?', '/hits?'))).body).toBe('[]');
    await chromium.goTo(new URL('/', other).href);
    expect(await chromium.evaluate('document.querySelector("h1").textContent')).toBe('one');
    // What it set in our cookie's name does not shut its visitor out.
    await chromium.goTo(at('/'));
    expect(await chromium.evaluate('document.querySelector("h1").textContent')).toBe('one');
    expect((await client.call('GET', '/sessions')).body.data).toHaveLength(1);
  });
});

describe('a visitor', () => {
  test('gets a cookie with the first visit, and the same page without the key', async () => {
    const first = await call(service.url, withKey('/a//b?x=%2F&y'), { headers: NAVIGATES });
    expect(first.status).toBe(303);
    expect(first.headers).toMatchObject({ location: at('/a//b?x=%2F&y'), 'referrer-policy': 'no-referrer' });
    expect(first.headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Host-cc-docker-preview=[0-9a-f]{32}; Path=\/; HttpOnly; Secure; SameSite=None; Partitioned$/,
      ),
    ]);
    const { origin } = new URL(url);
    expect(
      (await call(service.url, `${origin}//evil.test/${new URL(url).search}`, { headers: NAVIGATES })).headers.location,
    ).toBe(`${origin}//evil.test/`);
    const cookie = await cookieOf();
    expect((await call(service.url, at('/'), { headers: { cookie } })).body).toContain(PAGE);
  });

  test('that is a program is answered at once, by the URL as it is', async () => {
    expect((await call(service.url, url)).body).toContain(PAGE);
    expect((await call(service.url, withKey('/none.html'))).status).toBe(404);
  });

  test('is seen by the server as it is, under the preview’s own host, without what is ours', async () => {
    const { host, origin } = new URL(url);
    const cookie = `a=b; ${await cookieOf()}; c=d`;
    const sent = {
      cookie,
      origin,
      authorization: 'Bearer app',
      'x-forwarded-host': 'evil.test',
      'x-real-ip': '1.1.1.1',
    };
    const got = await seen(sent, '/seen?a=%2f&b=+&c');
    expect(got).toMatchObject({ method: 'GET', url: '/seen?a=%2f&b=+&c' });
    expect(got.headers).toMatchObject({ host, origin, cookie: 'a=b; c=d', authorization: 'Bearer app' });
    expect(got.headers).toMatchObject({ 'x-forwarded-host': host, 'x-forwarded-proto': 'http' });
    expect(JSON.stringify(got)).not.toMatch(/evil\.test|1\.1\.1\.1|cc_docker_key|__Host-/);
  });

  test('is set the server’s cookies, on this host alone, and none by our name', async () => {
    const answer = await call(service.url, withKey('/cookies'));
    expect(answer.headers['set-cookie']).toEqual(['own=1; Path=/', 'wide=1; Path=/']);
    expect(answer.headers).not.toHaveProperty('clear-site-data');
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: 'set' });
  });

  test('follows an event stream from its first event on', async () => {
    const answer = await open(service.url, withKey('/sse'));
    onTestFinished(() => void answer.destroy());
    let said = '';
    answer.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => expect(said).toMatch(/^data: 1\n\ndata: 2\n\n/));
  });

  test('downloads and uploads what is large', async () => {
    const mb = 64;
    const download = await open(service.url, withKey(`/big?mb=${mb}`));
    expect(download.headers['content-length']).toBe(String(mb * 1024 * 1024));
    expect(await bytesOf(download)).toBe(mb * 1024 * 1024);
    const body = 'abc'.repeat(10 * 1024 * 1024);
    const uploaded = await call(service.url, withKey('/upload'), { method: 'POST', body });
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(JSON.parse(uploaded.body)).toEqual({ bytes: body.length, sha256 });
  });

  test('of a port where nothing listens is told so, and what does, but only with the key', async () => {
    const port = await freePort('127.0.0.1');
    const { body } = await client.call('POST', `/sessions/${served.id}/ports`, { port });
    const answer = await call(service.url, body.url);
    expect(answer).toMatchObject({ status: 502, body: expect.stringMatching(`These ports listen: .*${served.port}`) });
    const page = await call(service.url, body.url.replace(/\?.*/, ''), {
      headers: { ...NAVIGATES, cookie: await cookieOf(body.url) },
    });
    expect(page).toMatchObject({ status: 502, body: expect.stringContaining(`port ${port}`) });
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.body).not.toContain('<script');
    const stranger = await call(service.url, body.url.replace(/\?.*/, ''));
    expect(stranger).toMatchObject({ status: 404, body: expect.not.stringContaining('listen') });
  });
});

async function bytesOf(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) bytes += (chunk as Buffer).length;
  return bytes;
}

describe('nobody else', () => {
  test('is let in: without the key, with another’s, by another’s cookie, by a page elsewhere', async () => {
    const { body: other } = await client.call('POST', `/sessions/${served.id}/ports`, { port: 9 });
    const key = new URL(url).searchParams.get('cc_docker_key') ?? '';
    const cookie = await cookieOf();
    const elsewhere = 'http://evil.localhost';
    const tries: [string, Record<string, string>][] = [
      [at('/'), {}],
      [`${at('/')}?cc_docker_key=`, {}],
      [`${at('/')}?cc_docker_key=${key.toUpperCase()}x`, {}],
      [`${at('/')}${new URL(other.url).search}`, {}],
      [at('/'), { cookie: await cookieOf(other.url) }],
      [at('/'), { cookie, origin: elsewhere }],
      [at('/'), { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
      [at('/'), { authorization: `Bearer ${await service.token('alice')}` }],
    ];
    for (const [target, headers] of tries) {
      const { status, body } = await call(service.url, target, { headers });
      expect({ target, headers, status, body }).toEqual({
        target,
        headers,
        status: 404,
        body: expect.stringContaining('Nothing is here'),
      });
    }
    await expect(openSocket(service.url, at('/hot'), { cookie, origin: elsewhere })).rejects.toThrow('404');
    const socket = await openSocket(service.url, at('/hot'), { cookie, origin: new URL(url).origin });
    expect(socket.protocol).toBe('hot');
    socket.close();
  });

  test('reaches the API on a preview’s host, or a port on the API’s, whatever the path and the host’s spelling', async () => {
    const token = await service.token('alice');
    const { host, hostname } = new URL(url);
    const port = new URL(service.url).port;
    const key = new URL(url).search;
    const paths = [
      '/api/v1/sessions',
      '/mcp',
      '/docs',
      '/openapi.json',
      '/health',
      '/answer/x',
      '/objects',
      '/metrics',
      '/api/v1/runner/control',
    ];
    const hosts = [
      host,
      host.toUpperCase(),
      `${hostname}:1`,
      `${hostname}.:${port}`,
      `x.${host}`,
      `evil.localhost:${port}`,
      `LOCALHOST.localhost`,
    ];
    for (const each of hosts) {
      for (const path of paths) {
        const headers = { host: each, authorization: `Bearer ${token}` };
        const { status, body } = await call(service.url, `${service.url}${path}`, { headers });
        expect({ each, path, status, body }).toMatchObject({
          status: 404,
          body: expect.stringContaining('Nothing is here'),
        });
      }
    }
    // With the key, they are paths of the container's server.
    expect((await call(service.url, withKey('/api/v1/sessions'))).body).toBe('no such file');
    for (const each of [`${hostname}.evil.test`, `${hostname}.:${port}`, `a.${host}`]) {
      const { status } = await call(service.url, `${service.url}/${key}`, { headers: { host: each } });
      expect({ each, status }).toEqual({ each, status: each.endsWith('evil.test') ? 421 : 404 });
    }
    for (const each of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      const { body } = await call(service.url, `${service.url}/seen${key}`, { headers: { host: each } });
      expect(JSON.parse(body)).toMatchObject({ code: 'route_not_found' });
    }
  });

  test('gains by a request’s target with a host of its own: one name alone counts', async () => {
    const { host } = new URL(url);
    const key = new URL(url).search;
    const authorization = `Authorization: Bearer ${await service.token('alice')}`;
    const api = new URL(service.url).host;
    for (const [target, named] of [
      [`http://${api}/api/v1/sessions`, host],
      [`http://${host}/api/v1/sessions`, api],
      [`http://${host}/api/v1/sessions${key}`, api],
      [`//${api}/api/v1/sessions`, host],
      [`http://user@${host}/api/v1/sessions`, api],
    ]) {
      const answer = await sendRaw(service.url, `GET ${target} HTTP/1.1\nHost: ${named}\n${authorization}`);
      // `Host` counts. The API speaks JSON; a preview, and the page of one that is not to be seen, do not.
      const isApi = /^content-type: application\/(problem\+)?json/im.test(answer);
      expect({ target, named, isApi }).toEqual({ target, named, isApi: named === api });
    }
  });
});

describe('what is open at once', () => {
  test('is bounded: WebSockets of a port, and requests of a session; what ends makes room', async () => {
    const port = await freePort('127.0.0.1');
    await run(client, served.id, port);
    const own = await share(client, { id: served.id, port });
    const to = (path: string) => own.replace('/?', `${path}?`);
    const sockets = await Promise.all([1, 2, 3].map(() => openSocket(service.url, to('/hot'))));
    await expect(openSocket(service.url, to('/hot'))).rejects.toThrow('503');
    const streams: IncomingMessage[] = [];
    for (;;) {
      const next = await open(service.url, to('/sse'));
      if (next.statusCode === 503) break;
      streams.push(next);
    }
    expect(streams.length).toBeLessThanOrEqual(9);
    const full = await call(service.url, to('/seen'));
    expect(full).toMatchObject({ status: 503, body: expect.stringContaining('MAX_PORT_REQUESTS_PER_SESSION') });
    expect(full.headers['retry-after']).toBe('1');
    for (const stream of streams) stream.destroy();
    for (const socket of sockets) socket.close();
    await until(async () => expect((await call(service.url, to('/seen'))).status).toBe(200));
    (await until(() => openSocket(service.url, to('/hot')))).close();
  });
});

describe('a share that is over', () => {
  test('ends what is open, and leads nowhere', async () => {
    const port = await freePort('127.0.0.1');
    await run(client, served.id, port);
    const gone = await share(client, { id: served.id, port });
    const cookie = await cookieOf(gone);
    const socket = await openSocket(service.url, gone.replace('/?', '/hot?'));
    const closed = once(socket, 'close');
    expect((await client.call('DELETE', `/sessions/${served.id}/ports/${port}`)).status).toBe(204);
    await closed;
    for (const answer of [
      await call(service.url, gone),
      await call(service.url, gone.replace(/\?.*/, ''), { headers: { cookie } }),
    ])
      expect(answer).toMatchObject({ status: 404, body: expect.stringContaining('has ended') });
  });
});

describe('a parked session', () => {
  test('is woken by who opens the page, and shows it once it is served again', async () => {
    const id = await client.createSession({ background_timeout_seconds: 2, idle_timeout_seconds: 300 });
    const port = await freePort('127.0.0.1');
    const parked = await share(client, await serve(client, id, port, { 'index.html': PAGE }));
    const cookie = await cookieOf(parked);
    await client.until(id, ({ status }) => status === 'stopped');
    const page = parked.replace(/\?.*/, '');
    // What a page loads wakes nothing.
    await until(async () => {
      const asset = await call(service.url, page, { headers: { cookie, 'sec-fetch-mode': 'no-cors' } });
      expect(asset).toMatchObject({ status: 503, body: expect.stringContaining('is parked') });
    });
    expect((await client.show(id)).status).toBe('stopped');
    const opened = await call(service.url, page, { headers: { cookie, ...NAVIGATES } });
    expect(opened).toMatchObject({ status: 503, body: expect.stringContaining('http-equiv="refresh"') });
    await until(async () => {
      const again = await call(service.url, page, { headers: { cookie, ...NAVIGATES } });
      expect(again).toMatchObject({ status: 502, body: expect.stringContaining('http-equiv="refresh"') });
    });
    await run(client, id, port);
    expect((await call(service.url, page, { headers: { cookie, ...NAVIGATES } })).body).toContain(PAGE);
    expect((await client.call('GET', `/sessions/${id}/messages`)).body.data).toHaveLength(2);
    await client.call('POST', `/sessions/${id}/stop`);
    await client.until(id, ({ status }) => status === 'stopped');
    const stopped = await until(async () => {
      const again = await call(service.url, page, { headers: { cookie, ...NAVIGATES } });
      expect(again.body).toContain('owner has stopped');
      return again;
    });
    expect(stopped.body).not.toContain('refresh');
    expect((await client.show(id)).status).toBe('stopped');
  });
});
