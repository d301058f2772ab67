import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { park, ran } from '../../support/scene.ts';

/** Requests to hosts of previews. What ports answer: test/real/preview/. */

beforeEach(emptyPool);

const app = createApp();
const OWN = { PREVIEW_DOMAIN: 'p.example.org', PUBLIC_URL: 'https://cc.example.org' };
const call = async (url: string, init: RequestInit = {}, settings: Record<string, string> = {}, where = app) =>
  await where.request(url, init, { ...env, ...settings });
const NAVIGATES = { headers: { 'sec-fetch-mode': 'navigate' } };
const PATHS = [
  '/',
  '/api/v1/sessions',
  '/mcp',
  '/docs',
  '/openapi.json',
  '/health',
  '/ready',
  '/metrics',
  '/objects',
  '/answer/x',
];

async function shared(user = new User()) {
  const scene = await ran({}, user);
  const { body } = await user.call('POST', `/sessions/${scene.id}/ports`, { port: 3000 });
  return { ...scene, url: body.url as string };
}

describe('on the host of a preview', () => {
  it.each([
    ['http://nobody.localhost:8000', {}],
    ['http://app.localhost', {}],
    ['http://a.b.localhost', {}],
    ['http://localhost.localhost', {}],
    [`https://${'a'.repeat(48)}.p.example.org`, OWN],
    ['https://cc.example.org.p.example.org', OWN],
    ['http://x.localhost', OWN],
  ])('%s, none of the API’s routes answers', async (origin, settings) => {
    const authorization = `Bearer ${await new User().token}`;
    for (const path of PATHS) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const response = await call(`${origin}${path}`, { method, headers: { authorization } }, settings);
        expect({ path, method, status: response.status }).toEqual({ path, method, status: 404 });
        expect(await response.text()).toContain('Nothing is here');
      }
    }
  });

  it('a first visit asks for nothing but the key, and answers are pages that load and run nothing', async () => {
    const { url } = await shared();
    const first = await call(url, NAVIGATES);
    expect({ status: first.status, location: first.headers.get('location') }).toEqual({
      status: 303,
      location: url.replace(/\?.*/, ''),
    });
    const page = await call(url.replace(/key=.*/, 'key=0'), NAVIGATES);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await page.text()).not.toMatch(/<script|refresh/);
  });

  it('of a domain of its own, the cookie and the redirect are for TLS, though a proxy ended it', async () => {
    const { url } = await shared();
    const ownUrl = url.replace('.localhost', '.p.example.org');
    const first = await call(ownUrl, NAVIGATES, OWN);
    expect(first.headers.get('location')).toBe(ownUrl.replace(/\?.*/, '').replace('http:', 'https:'));
    expect(first.headers.get('set-cookie')).toMatch(/^__Host-.*; Secure/);
    const plain = await call(ownUrl, NAVIGATES, { PREVIEW_DOMAIN: OWN.PREVIEW_DOMAIN });
    expect(plain.headers.get('set-cookie')).toMatch(/^cc-docker-preview=.*SameSite=Lax$/);
  });

  it('an edge elsewhere says that it has no way there', async () => {
    const response = await call('http://nobody.localhost', NAVIGATES, {}, createApp('elsewhere'));
    expect({ status: response.status, text: await response.text() }).toEqual({
      status: 501,
      text: expect.stringContaining('PREVIEW_DOMAIN'),
    });
  });
});

describe('the names that the operator has given the API', () => {
  it('stay the API’s, below localhost too', async () => {
    for (const [url, settings] of [
      ['http://app.localhost:8000/health', { ALLOWED_HOSTS: 'app.localhost' }],
      ['http://cc.localhost/health', { PUBLIC_URL: 'http://cc.localhost' }],
      ['https://cc.p.example.org/health', { ...OWN, PUBLIC_URL: 'https://cc.p.example.org' }],
    ] as const)
      expect((await call(url, {}, settings)).headers.get('content-type')).toContain('json');
  });
});

describe('a preview whose session cannot show it', () => {
  it('says why, to who has the key: it starts, its owner stopped it, it is deleted', async () => {
    const scene = await shared();
    const said = async () => {
      const response = await call(scene.url);
      return { status: response.status, text: await response.text() };
    };
    // Its runner is of an earlier version, or has not dialled.
    expect((await said()).status).toBeGreaterThanOrEqual(502);
    await park(scene);
    expect(await said()).toEqual({ status: 503, text: expect.stringContaining('Its owner has stopped') });
    await scene.user.call('DELETE', `/sessions/${scene.id}`);
    expect(await said()).toEqual({ status: 404, text: expect.stringContaining('has ended') });
  });
});
