import { createHash } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signingKey } from '../../../../protocol/token-keys.ts';
import { TokenType } from '../../../../protocol/token.ts';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../../start/edge/edge.ts';
import { mintToken } from '../../../../start/settings/mint-token.ts';
import { freePort } from '../../../support/net/free-port.ts';
import { CLIENT, startOidcProvider, type OidcProvider } from '../../../support/oidc/oidc-provider.ts';
import { Person } from '../../../support/oidc/person.ts';
import { atMost } from '../../../support/patience.ts';
import { sharedScratch } from '../../../support/scratch.ts';

/** Signing in to a browser with a real OpenID provider. */

const SECRET = 'known to every test and of no use elsewhere';
const folder = sharedScratch();
let edge: Edge;
let provider: OidcProvider;

beforeAll(async () => {
  const port = await freePort('127.0.0.1');
  provider = await startOidcProvider(`http://127.0.0.1:${port}/login/oidc/callback`);
  edge = await startEdge({
    worker: WORKER_BUNDLE,
    host: '127.0.0.1',
    port,
    stateFolder: path.join(folder.path, 'edge'),
    vars: {
      JWT_SECRET: SECRET,
      JWT_ISSUER: provider.issuer,
      JWT_JWKS_URL: `${provider.issuer}/jwks`,
      OIDC_CLIENT_ID: CLIENT.id,
      OIDC_CLIENT_SECRET: CLIENT.secret,
      OIDC_SESSION: '3600',
      FAILED_TOKENS_PER_ADDRESS: '0',
      ACCESS_LOG: 'errors',
    },
  });
}, atMost(120));
afterAll(async () => {
  await edge.stop();
  await provider.stop();
});

const KEY = 'of-the-page';
const HASH = createHash('sha256').update(KEY).digest('base64url');
const start = (more = '') => `${edge.url}/login/oidc?key=${HASH}${more}`;
const isCallback = (url: string) => url.startsWith(`${edge.url}/login/oidc/callback`);
const ownJar = (person: Person) => person.jar.get(new URL(edge.url).host) ?? new Map<string, string>();
const sessionOf = async (person: Person) => {
  const cookie = [...ownJar(person)].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = { cookie, 'x-cc-docker-console': KEY };
  const answer = await fetch(`${edge.url}/api/v1/console/session`, { headers });
  return (await answer.json()) as { session: { sub: string; name: string; expires_at: string } | null; oidc: object };
};
/** A callback's address, with some of its parameters changed. */
function changed(url: string, change: Record<string, string>): string {
  const made = new URL(url);
  for (const [name, value] of Object.entries(change)) made.searchParams.set(name, value);
  return made.href;
}
const titleOf = (text: string) => /<h1>(.*?)<\/h1>/.exec(text)?.[1];

describe('somebody signs in with the provider', () => {
  test('as whom it names, for as long as is set, and goes on where they were', async () => {
    const person = new Person();
    expect((await sessionOf(person)).session).toBeNull();
    expect((await sessionOf(person)).oidc).toEqual({ issuer: provider.issuer });
    const page = await person.signIn(start('&to=/sessions'), 'alice');
    expect(page.url).toBe(`${edge.url}/sessions`);
    const { session } = await sessionOf(person);
    expect(session).toMatchObject({ sub: 'alice', name: 'alice of the provider' });
    expect(Math.abs(Date.parse(session?.expires_at ?? '') - Date.now() - 3_600_000)).toBeLessThan(60_000);
    const port = new URL(edge.url).port;
    expect(person.given.find((set) => set.startsWith(`cc-docker-${port}=`))).toContain('HttpOnly; SameSite=Strict');
    // Neither code nor token stays in the address, and what the sign-in began with is gone.
    expect([...ownJar(person).keys()]).toEqual([`cc-docker-${port}`]);
    const headers = {
      authorization: `Bearer ${await mintToken(SECRET, { kind: 'user', sub: 'root', scope: 'admin', ttlSeconds: 60, iss: provider.issuer })}`,
    };
    const { data } = (await (await fetch(`${edge.url}/api/v1/audit?actor=alice`, { headers })).json()) as {
      data: { action: string; detail: string }[];
    };
    expect(data[0]?.action).toBe('browser.signed_in');
    expect(JSON.parse(data[0]?.detail ?? '')).toMatchObject({ by: 'oidc' });
  });

  test.each([
    'https://evil.example.com/',
    '//evil.example.com',
    '/\\evil.example.com',
    'javascript:alert(1)',
    'http:evil',
    '/%2f/evil.example.com',
  ])('and is sent to no other host than this, whatever is asked for: %s', async (to) => {
    const page = await new Person().signIn(start(`&to=${encodeURIComponent(to)}`), 'alice');
    expect(new URL(page.url).origin).toBe(edge.url);
    expect(new URL(page.url).pathname).not.toMatch(/^\/\//);
  });
});

const isOut = async (person: Person) => expect((await sessionOf(person)).session).toBeNull();

describe('nobody is signed in', () => {
  test('who says no at the provider: they are told that', async () => {
    const person = new Person();
    const page = await person.refuse(start());
    expect({ status: page.status, title: titleOf(page.text) }).toEqual({
      status: 403,
      title: 'The sign-in was not allowed',
    });
    expect(page.text).toContain('href="/"');
    await isOut(person);
  });

  test('by an answer with another state', async () => {
    const person = new Person();
    const { url } = await person.signIn(start(), 'alice', isCallback);
    const page = await person.go(changed(url, { state: 'other' }));
    expect({ status: page.status, title: titleOf(page.text) }).toEqual({
      status: 400,
      title: 'The answer does not fit',
    });
    await isOut(person);
    // It is used up: the right one comes too late.
    expect(titleOf((await person.go(url)).text)).toBe('This sign-in was not begun here');
    await isOut(person);
  });

  test('by an answer of another provider', async () => {
    const person = new Person();
    const { url } = await person.signIn(start(), 'alice', isCallback);
    expect(new URL(url).searchParams.get('iss')).toBe(provider.issuer);
    const page = await person.go(changed(url, { iss: 'https://other.example.com' }));
    expect({ status: page.status, title: titleOf(page.text) }).toEqual({
      status: 400,
      title: 'The answer does not fit',
    });
    await isOut(person);
  });

  test('by an answer that somebody else’s browser has begun', async () => {
    const attacker = new Person();
    const { url } = await attacker.signIn(start(), 'mallory', isCallback);
    const victim = new Person();
    expect(titleOf((await victim.go(url)).text)).toBe('This sign-in was not begun here');
    await isOut(victim);
    await victim.signIn(start(), 'alice', isCallback);
    expect(titleOf((await victim.go(url)).text)).toBe('The answer does not fit');
    await isOut(victim);
  });

  test('twice by one answer, not even with the cookie of its beginning', async () => {
    const person = new Person();
    const { url } = await person.signIn(start(), 'alice', isCallback);
    const begun = ownJar(person).get('cc-docker-oidc') ?? '';
    await person.go(url);
    expect((await sessionOf(person)).session?.sub).toBe('alice');
    const other = new Person();
    other.jar.set(new URL(edge.url).host, new Map([['cc-docker-oidc', begun]]));
    expect(titleOf((await other.go(url)).text)).toBe('This sign-in was not begun here');
    await isOut(other);
  });

  test.each([
    ['nonce', { nonce: 'another one' }, 400, 'The answer does not fit'],
    [
      'PKCE verifier',
      { verifier: 'of another sign-in, and long enough to be one: 0123456789' },
      403,
      'The provider refused the sign-in',
    ],
  ])('when the %s is of another sign-in', async (_, change, status, title) => {
    const person = new Person();
    const { url } = await person.signIn(start(), 'alice', isCallback);
    const begun = decodeJwt(ownJar(person).get('cc-docker-oidc') ?? '');
    const forged = await new SignJWT({ ...begun, ...change })
      .setProtectedHeader({ alg: 'HS256', typ: TokenType['oidc-begun'] })
      .sign(await signingKey({ JWT_SECRET: SECRET }, 'oidc-begun'));
    ownJar(person).set('cc-docker-oidc', forged);
    const page = await person.go(url);
    expect({ status: page.status, title: titleOf(page.text) }).toEqual({ status, title });
    await isOut(person);
  });

  test('whom another site sends here to sign in', async () => {
    const page = await new Person().go(start(), undefined, { headers: { 'sec-fetch-site': 'cross-site' } });
    expect({ status: page.status, title: titleOf(page.text) }).toEqual({ status: 403, title: 'Begin here' });
  });

  test('while the provider is away: they are told that, and in a page that runs and loads nothing', async () => {
    const person = new Person();
    const { url } = await person.signIn(start(), 'alice', isCallback);
    await provider.stop();
    const page = await person.go(url);
    expect({ status: page.status, title: titleOf(page.text) }).toEqual({
      status: 502,
      title: 'The provider does not answer',
    });
    const { headers } = await fetch(`${edge.url}/login/oidc/callback`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    await isOut(person);
  });
});
