import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { CloseCode } from '../../../../protocol/close-code.ts';
import { TokenType } from '../../../../protocol/token.ts';
import { mint, openByTicket, request, User, type TokenOptions } from '../../support/api.ts';
import { Browser, ORIGIN } from './support/browser.ts';

const admin = new User('admin', { claims: { scope: 'admin' } });
const revoke = (what: object) => admin.call('POST', '/revocations', what);
const jti = () => crypto.randomUUID();
const codeFor = (sub: string, { claims, ...options }: TokenOptions = {}) =>
  mint(sub, { typ: TokenType['login-code'], claims: { jti: jti(), ...claims }, ...options });
const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => `${status} ${body.code ?? ''}`.trim();

describe('a browser signs in', () => {
  it('with a one-time code, once, as its owner and for 30 days', async () => {
    const sub = jti();
    const code = await codeFor(sub, { claims: { name: 'Alice', scope: 'sessions:read' } });
    const browser = new Browser();
    expect((await browser.call('GET', '/api/v1/console/session')).body).toEqual({ session: null, oidc: null });
    const { status, body } = await browser.signIn(code);
    expect({ status, body }).toMatchObject({ status: 201, body: { sub, name: 'Alice', scopes: ['sessions:read'] } });
    expect(Date.parse(body.expires_at) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    expect((await browser.call('GET', '/api/v1/console/session')).body.session).toEqual(body);
    expect((await browser.call('GET', '/api/v1/sessions')).status).toBe(200);
    expect(codeOf(await browser.call('POST', '/api/v1/sessions', {}))).toBe('403 scope_missing');
    expect(codeOf(await new Browser().signIn(code))).toBe('401 login_code_used');
  });

  it('with a token that is pasted, and may what that may, until its end', async () => {
    const owner = new User();
    const sid = await owner.createSession();
    const other = await owner.createSession();
    const browser = new Browser();
    const token = await mint(owner.name, { claims: { sid }, expires: '1h' });
    const { body } = await browser.signIn(token);
    expect(body).toMatchObject({ sub: owner.name, sid, name: null });
    expect(Date.parse(body.expires_at)).toBe((decodeJwt(token).exp ?? 0) * 1000);
    expect((await browser.call('GET', `/api/v1/sessions/${sid}`)).status).toBe(200);
    expect(codeOf(await browser.call('GET', `/api/v1/sessions/${other}`))).toBe('404 session_not_found');
  });

  it.each([
    ['nothing', () => undefined, '401 token_missing'],
    [
      'a code of another secret',
      () => codeFor('a', { secret: 'another secret, long enough for HS256' }),
      '401 token_invalid',
    ],
    ['a code that has expired', () => codeFor('a', { expires: '-31s' }), '401 token_expired'],
    [
      'a code for a runner',
      () => mint('a', { typ: TokenType['runner-code'], claims: { jti: 'x' } }),
      '401 token_invalid',
    ],
    ['another browser’s cookie', async () => (await Browser.of('a')).cookieValue, '401 token_invalid'],
  ])('not with %s', async (_, given, refused) => {
    const browser = new Browser();
    expect(codeOf(await browser.signIn(await given()))).toBe(refused);
    expect(browser.cookies).toEqual(new Map());
  });

  it('not with what was revoked', async () => {
    const [sub, id] = [jti(), jti()];
    await revoke({ jti: id });
    expect(codeOf(await new Browser().signIn(await codeFor(sub, { claims: { jti: id } })))).toBe('401 token_revoked');
    expect(codeOf(await new Browser().signIn(await mint(sub, { claims: { jti: id } })))).toBe('401 token_revoked');
  });

  it('so often and no more, when what it tries is wrong', async () => {
    const vars = { FAILED_TOKENS_PER_ADDRESS: '2', RATE_LIMIT_PER_ADDRESS: '0' };
    const browser = new Browser({ vars, headers: { 'cf-connecting-ip': '198.51.100.77' } });
    const answers = [];
    for (let n = 0; n < 8; n++) answers.push(codeOf(await browser.signIn('wrong')));
    expect(answers.at(-1)).toBe('429 too_many_failed_tokens');
    // To ask who is signed in is no try.
    const asker = new Browser({ vars, headers: { 'cf-connecting-ip': '198.51.100.78' } });
    for (let n = 0; n < 8; n++) expect((await asker.call('GET', '/api/v1/console/session')).status).toBe(200);
    expect(codeOf(await asker.signIn('wrong'))).toBe('401 token_invalid');
  });

  it('anew: another session, and the one before is over', async () => {
    const browser = await Browser.of('alice');
    const before = browser.copy();
    const { body } = await browser.signIn(await mint('bob'));
    expect(body.sub).toBe('bob');
    expect(browser.cookieValue).not.toBe(before.cookieValue);
    await expect.poll(async () => (await before.call('GET', '/api/v1/console/session')).body.session).toBeNull();
  });
});

/** The cookie of a sign-in, without its value and age. */
async function set(url: string, vars: object = {}, headers: Record<string, string> = {}) {
  const browser = new Browser({ url, vars, headers });
  await browser.signIn(await mint('alice'));
  return browser.lastSetCookie?.replace(/=[^;]+/, '=…').replace(/Max-Age=\d+/, 'Max-Age=…');
}

describe('the cookie', () => {
  it('is for this host alone, and no script reads it', async () => {
    expect(await set('http://127.0.0.1:8000')).toBe('cc-docker-8000=…; Max-Age=…; Path=/; HttpOnly; SameSite=Strict');
    expect(await set('http://localhost:8000')).toBe('cc-docker-8000=…; Max-Age=…; Path=/; HttpOnly; SameSite=Strict');
    expect(await set('https://cc.example.org')).toBe(
      '__Host-cc-docker=…; Max-Age=…; Path=/; HttpOnly; Secure; SameSite=Strict',
    );
  });

  it('is secure behind a proxy that ends TLS, whatever name that calls us by', async () => {
    const vars = { PUBLIC_URL: 'https://cc.example.org:8443' };
    const cookie = '__Host-cc-docker-8443=…; Max-Age=…; Path=/; HttpOnly; Secure; SameSite=Strict';
    for (const url of ['http://cc.example.org:8443', 'http://127.0.0.1:8000']) {
      const browser = new Browser({ url, vars, headers: { origin: vars.PUBLIC_URL } });
      await browser.signIn(await mint('alice'));
      expect(browser.lastSetCookie?.replace(/=[^;]+/, '=…').replace(/Max-Age=\d+/, 'Max-Age=…')).toBe(cookie);
      expect((await browser.call('GET', '/api/v1/sessions')).status).toBe(200);
      // A cookie by the name that it has without TLS is anybody's.
      const tossed = new Browser({ url, vars, headers: { origin: vars.PUBLIC_URL } });
      tossed.cookies.set('cc-docker-8443', browser.cookieValue ?? '').set('cc-docker-8000', browser.cookieValue ?? '');
      expect(codeOf(await tossed.call('GET', '/api/v1/sessions'))).toBe('401 token_missing');
    }
  });

  it('lives no longer than browsers keep one', async () => {
    const browser = new Browser();
    await browser.signIn(await mint('alice', { expires: '3650d' }));
    expect(browser.lastSetCookie).toContain(`Max-Age=${400 * 86_400};`);
  });

  it('is good while the secret before it is named, and then no more', async () => {
    const browser = await Browser.of('alice');
    const next = 'the secret that comes after the first one';
    const both = browser.copy({ vars: { JWT_SECRET: next, JWT_SECRET_PREVIOUS: env.JWT_SECRET } });
    expect((await both.call('GET', '/api/v1/sessions')).status).toBe(200);
    expect(codeOf(await browser.copy({ vars: { JWT_SECRET: next } }).call('GET', '/api/v1/sessions'))).toBe(
      '401 token_invalid',
    );
  });

  it('is no token, and no token is one', async () => {
    const browser = await Browser.of('alice');
    expect((await browser.call('GET', '/api/v1/sessions')).status).toBe(200);
    const headers = { authorization: `Bearer ${browser.cookieValue}` };
    expect(codeOf(await request('/api/v1/sessions', { headers }))).toBe('401 token_invalid');
    const other = new Browser();
    other.cookies.set('cc-docker-8000', await mint('alice'));
    expect(codeOf(await other.call('GET', '/api/v1/sessions'))).toBe('401 token_invalid');
    const user = new Browser();
    const token = await mint('alice');
    await request('/api/v1/sessions', { headers: { authorization: `Bearer ${token}` } });
    user.cookies.set('cc-docker-8000', token);
    expect(codeOf(await user.call('GET', '/api/v1/sessions'))).toBe('401 token_invalid');
  });

  it('gives way to a token: who sends one calls as that', async () => {
    const user = new User();
    const browser = await Browser.of(user.name);
    const id = await user.createSession();
    const authorization = `Bearer ${await mint('bob')}`;
    expect(codeOf(await browser.call('GET', `/api/v1/sessions/${id}`, undefined, { authorization }))).toBe(
      '404 session_not_found',
    );
    const wrong = await browser.call('GET', `/api/v1/sessions/${id}`, undefined, { authorization: 'Bearer wrong' });
    expect(codeOf(wrong)).toBe('401 token_invalid');
  });

  it('counts for the page alone that has signed in: with another’s key it is worth nothing', async () => {
    const browser = await Browser.of('alice');
    const stolen = { 'x-cc-docker-console': 'another-key' };
    expect((await browser.call('GET', '/api/v1/sessions')).status).toBe(200);
    expect(codeOf(await browser.call('GET', '/api/v1/sessions', undefined, stolen))).toBe('401 token_invalid');
  });

  it('is told from those by its name that pages of other hosts and ports have set, whichever comes first', async () => {
    const victim = await Browser.of('alice');
    const attacker = new Browser({ headers: { 'x-cc-docker-console': 'of-the-attacker' } });
    await attacker.signIn(await mint('mallory'));
    const values = [victim.cookieValue, attacker.cookieValue];
    for (const order of [values, values.toReversed()]) {
      const cookie = order.map((value) => `cc-docker-8000=${value}`).join('; ');
      const { body } = await new Browser({ headers: { cookie } }).call('GET', '/api/v1/console/session');
      expect(body.session.sub).toBe('alice');
    }
    // Nor is anybody signed in by the attacker's alone.
    const cookie = `cc-docker-8000=${attacker.cookieValue}`;
    const { body } = await new Browser({ headers: { cookie } }).call('GET', '/api/v1/console/session');
    expect(body.session).toBeNull();
  });
});

describe('calls of other pages, with the cookie,', () => {
  let victim: Browser;
  let id: string;
  beforeAll(async () => {
    const user = new User();
    id = await user.createSession();
    victim = await Browser.of(user.name);
  });

  const own = { origin: ORIGIN, 'sec-fetch-site': 'same-origin', 'x-cc-docker-console': '1' };
  it.each([
    [
      'a link or an image',
      { origin: null, 'x-cc-docker-console': null, 'sec-fetch-site': 'cross-site' },
      'token_missing',
    ],
    [
      'a page of the same site, without the header',
      { 'x-cc-docker-console': null, 'sec-fetch-site': 'same-site' },
      'token_missing',
    ],
    ['a preview, with the header', { origin: null, 'sec-fetch-site': 'same-site' }, 'origin_refused'],
    ['a navigation', { origin: null, 'sec-fetch-site': 'none' }, 'origin_refused'],
    ['a header that is no key', { 'x-cc-docker-console': 'no key' }, 'origin_refused'],
  ])('are none of ours: %s', async (_, changed, code) => {
    for (const [method, path] of [
      ['GET', `/api/v1/sessions/${id}`],
      ['GET', `/api/v1/events`],
    ] as const) {
      const answer = await victim.bare(method, path, { ...own, ...changed });
      expect(answer.body.code, `${method} ${path}`).toBe(code);
    }
  });

  it.each([
    ['a page of another site', { origin: 'https://evil.example.com', 'sec-fetch-site': 'cross-site' }],
    ['a preview', { origin: 'http://3000-abc.localhost:8000', 'sec-fetch-site': 'same-site' }],
    ['another port', { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' }],
    ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['one that does not say where it is', { origin: null }],
    ['a browser that says otherwise', { 'sec-fetch-site': 'cross-site' }],
  ])('change nothing: %s', async (_, changed) => {
    for (const [method, path] of [
      ['POST', `/api/v1/sessions/${id}/stop`],
      ['DELETE', `/api/v1/sessions/${id}`],
      ['PATCH', `/api/v1/sessions/${id}`],
      ['DELETE', '/api/v1/console/session'],
      ['POST', '/api/v1/console/session'],
    ] as const) {
      const answer = await victim.bare(
        method,
        path,
        { ...own, ...changed },
        method === 'PATCH' ? { title: 'x' } : undefined,
      );
      expect(answer.body.code, `${method} ${path}`).toBe('origin_refused');
    }
    expect((await victim.call('GET', '/api/v1/console/session')).body.session).not.toBeNull();
  });

  it('change nothing with a form, which can send no header', async () => {
    const headers = { ...own, 'x-cc-docker-console': null, 'content-type': 'text/plain' };
    expect((await victim.bare('POST', `/api/v1/sessions/${id}/stop`, headers, {})).body.code).toBe('token_missing');
    expect((await victim.bare('DELETE', '/api/v1/console/session', headers)).body.code).toBe('origin_refused');
  });

  it('are not signed in as somebody else: a code of the attacker’s does not count', async () => {
    const code = await codeFor('mallory');
    const foreign = { ...own, origin: 'https://evil.example.com', 'sec-fetch-site': 'cross-site' };
    const tried = await new Browser().bare('POST', '/api/v1/console/session', {
      ...foreign,
      authorization: `Bearer ${code}`,
    });
    expect({ code: tried.body.code, cookie: tried.headers.get('set-cookie') }).toEqual({
      code: 'origin_refused',
      cookie: null,
    });
    // Nor is the code used up.
    expect((await new Browser().signIn(code)).status).toBe(201);
  });

  it('of a site that CORS_ORIGINS lets in are as good as any: the cookie is not theirs', async () => {
    const origin = 'https://console.example.org';
    const vars = { CORS_ORIGINS: origin };
    const foreign = { ...own, origin, 'sec-fetch-site': 'cross-site' };
    const answer = await victim.copy({ vars }).bare('GET', `/api/v1/sessions/${id}`, foreign);
    expect(answer.body.code).toBe('origin_refused');
    const preflight = await createApp().request(
      `${ORIGIN}/api/v1/sessions`,
      { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } },
      { ...env, ...vars },
    );
    expect(preflight.headers.get('access-control-allow-headers')).not.toContain('console');
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('open no WebSocket', async () => {
    const headers = { ...own, 'x-cc-docker-console': null, upgrade: 'websocket' };
    expect((await victim.bare('GET', `/api/v1/sessions/${id}/stream?after=0`, headers)).body.code).toBe(
      'token_missing',
    );
  });

  it('are no program’s: neither /mcp nor /metrics takes the cookie', async () => {
    const browser = await Browser.of('root', { claims: { scope: 'admin' } });
    expect((await browser.call('GET', '/api/v1/audit')).status).toBe(200);
    expect(codeOf(await browser.call('GET', '/metrics'))).toBe('401 token_missing');
    expect(codeOf(await browser.call('POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'ping' }))).toBe(
      '401 token_missing',
    );
  });
});

describe('a sign-in ends', () => {
  it('by signing out, for every copy of the cookie and what it has open', async () => {
    const user = new User();
    const id = await user.createSession();
    const browser = await Browser.of(user.name);
    const copy = browser.copy();
    const ticket = (await browser.call('POST', `/api/v1/sessions/${id}/tickets`)).body.ticket;
    const socket = await openByTicket(id, ticket);
    const feed = await browser.feed();
    expect((await browser.call('DELETE', '/api/v1/console/session')).status).toBe(204);
    expect(browser.cookies).toEqual(new Map());
    expect(await socket.closed()).toMatchObject({ code: CloseCode.unauthorized });
    expect(await feed.text()).toContain('the token has been revoked');
    await expect.poll(async () => codeOf(await copy.call('GET', '/api/v1/sessions'))).toBe('401 token_revoked');
    // The token that it was made from is good still, and so are other browsers.
    expect((await user.call('GET', '/sessions')).status).toBe(200);
    // Once more is as once.
    expect((await browser.call('DELETE', '/api/v1/console/session')).status).toBe(204);
  });

  it.each([
    ['its own id', (ids: { id: string; of: string }) => ({ jti: ids.id })],
    ['the token that it was made from', (ids: { id: string; of: string }) => ({ jti: ids.of })],
  ])('when %s is revoked, and what it has open', async (_, what) => {
    const user = new User();
    const session = await user.createSession();
    const of = jti();
    const browser = new Browser();
    const { body } = await browser.signIn(await mint(user.name, { claims: { jti: of } }));
    const { ticket } = (await browser.call('POST', `/api/v1/sessions/${session}/tickets`)).body;
    const socket = await openByTicket(session, ticket);
    await revoke(what({ id: body.id, of }));
    expect(await socket.closed()).toMatchObject({ code: CloseCode.unauthorized });
    await expect.poll(async () => codeOf(await browser.call('GET', '/api/v1/sessions'))).toBe('401 token_revoked');
    await browser.call('GET', '/api/v1/console/session');
    expect(browser.cookies).toEqual(new Map());
  });

  it('when all tokens of its owner are revoked that are as old as what it was made from', async () => {
    const sub = jti();
    const iat = Math.floor(Date.now() / 1000) - 600;
    const browser = new Browser();
    await browser.signIn(await mint(sub, { claims: { iat } }));
    await revoke({ sub, before: new Date((iat + 1) * 1000).toISOString() });
    await expect.poll(async () => codeOf(await browser.call('GET', '/api/v1/sessions'))).toBe('401 token_revoked');
  });

  it('is in the audit log, as its beginning is', async () => {
    const sub = jti();
    const browser = new Browser({ headers: { 'cf-connecting-ip': '198.51.100.9' } });
    await browser.signIn(await codeFor(sub));
    await browser.call('DELETE', '/api/v1/console/session');
    const { body } = await admin.call('GET', `/audit?actor=${sub}`);
    expect(body.data).toMatchObject([
      { action: 'browser.signed_out', target: sub, address: '198.51.100.9' },
      { action: 'browser.signed_in', target: sub, address: '198.51.100.9' },
    ]);
    expect(JSON.parse(body.data[1].detail)).toMatchObject({ by: 'code' });
  });
});
