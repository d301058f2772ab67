import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyUser } from '../../../../functions/auth/user-token.ts';
import { edgeSettings, type EdgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import { UNLIMITED } from '../../../../protocol/token.ts';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { startEdge } from '../../../../start/edge/edge.ts';
import { scratch } from '../../../support/scratch.ts';

const SECRET = 'known to every test and of no use elsewhere';

/** An identity provider: it serves its key set on loopback, and signs tokens. */
class Provider {
  requests = 0;
  /** What it answers with instead of its keys. */
  fault: number | null = null;
  readonly #server: Server;
  #keys: JWK[] = [];
  #signing: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'] | null = null;

  constructor() {
    this.#server = createServer((_, response) => {
      this.requests += 1;
      if (this.fault !== null) response.writeHead(this.fault).end('out of order');
      else response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: this.#keys }));
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    await this.rotate('first');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks`;
  }

  /** From now on it signs with another key; the one before is no longer in the set. */
  async rotate(kid: string, alg = 'ES256'): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true });
    this.#signing = pair.privateKey;
    this.#keys = [{ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' }];
  }

  async token(claims: object = {}, header: { kid?: string; typ?: string; alg?: string } = {}): Promise<string> {
    if (this.#signing === null) throw new Error('it has no key');
    const { kid = this.#keys[0]?.kid ?? '', alg = this.#keys[0]?.alg ?? '', ...rest } = header;
    return new SignJWT({ sub: 'alice', exp: Math.floor(Date.now() / 1000) + 3600, ...claims })
      .setProtectedHeader({ alg, kid, ...rest })
      .sign(this.#signing);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

let provider: Provider;
beforeEach(async () => {
  provider = new Provider();
  await provider.start();
});
afterEach(async () => {
  vi.useRealTimers();
  await provider.stop();
});

/** One object for each, as an edge has one for all of its calls: what it remembers of a token goes with it. */
const made = new Map<string, EdgeSettings>();
function settings(change: object = {}): EdgeSettings {
  const vars = { JWT_SECRET: SECRET, JWT_JWKS_URL: provider.url, ...change };
  const key = JSON.stringify(vars);
  const known = made.get(key) ?? edgeSettings.parse(vars);
  made.set(key, known);
  return known;
}
const verify = async (token: string, change: object = {}) => await verifyUser(`Bearer ${token}`, settings(change));
const ofScope = async (scope: unknown) => await verify(await provider.token({ scope }));
/** Time passes, for who looks at the clock. */
const pass = (seconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });

describe('a token of a key set', () => {
  test.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('by %s is its owner’s', async (alg) => {
    await provider.rotate('k', alg);
    const made = await provider.token({ iat: 1_700_000_000, jti: 'one of many' });
    expect(await verify(made)).toEqual({
      caller: {
        owner: 'alice',
        sid: null,
        scopes: UNLIMITED,
        jti: 'one of many',
        issued: 1_700_000_000_000,
        expires: expect.any(Number),
      },
    });
    expect(await verify(await provider.token())).toMatchObject({ caller: { jti: null, issued: null } });
  });

  test('has words of other vocabularies, and is limited by those that are ours', async () => {
    expect(await ofScope('openid profile')).toMatchObject({ caller: { scopes: UNLIMITED } });
    expect(await ofScope('openid sessions:read')).toMatchObject({ caller: { scopes: ['sessions:read'] } });
    expect(await ofScope(['openid', 'admin'])).toMatchObject({ caller: { scopes: ['admin'] } });
  });

  test('may have a `sid`, which is a session at its provider', async () => {
    const token = await provider.token({ sid: '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f' });
    expect(await verify(token)).toMatchObject({ caller: { sid: null } });
  });

  test('names its owner by the claim that is set', async () => {
    const named = { JWT_OWNER_CLAIM: 'email' };
    const token = await provider.token({ sub: '8f3', email: 'alice@example.test' });
    expect(await verify(token, named)).toMatchObject({ caller: { owner: 'alice@example.test' } });
    expect(await verify(await provider.token(), named)).toMatchObject({
      refused: 'token_invalid',
      detail: expect.stringContaining('`email`'),
    });
  });

  test('is for this service and of that issuer, when they are set', async () => {
    const expected = { JWT_ISSUER: 'https://id.test', JWT_AUDIENCE: 'cc-docker' };
    const right = { iss: 'https://id.test', aud: ['other', 'cc-docker'] };
    expect(await verify(await provider.token(right), expected)).toHaveProperty('caller');
    for (const [claim, value] of [
      ['iss', 'https://evil.test'],
      ['aud', 'other'],
      ['aud', undefined],
    ] as const) {
      const detail = expect.stringContaining(`\`${claim}\``);
      const token = await provider.token({ ...right, [claim]: value });
      expect(await verify(token, expected)).toMatchObject({ refused: 'token_invalid', detail });
    }
  });

  test.each(['at+jwt', 'application/at+jwt', 'JWT'])('may be of the type %s', async (typ) => {
    expect(await verify(await provider.token({}, { typ }))).toHaveProperty('caller');
  });

  test.each(['runner+jwt', 'session+jwt', 'logout+jwt'])('may not be of the type %s', async (typ) => {
    expect(await verify(await provider.token({}, { typ }))).toMatchObject({ refused: 'token_invalid' });
  });

  test('is good for 30 s after its end, because clocks differ', async () => {
    const now = Math.floor(Date.now() / 1000);
    expect(await verify(await provider.token({ exp: now - 20 }))).toHaveProperty('caller');
    expect(await verify(await provider.token({ exp: now - 40 }))).toMatchObject({ refused: 'token_expired' });
    expect(await verify(await provider.token({ nbf: now + 20 }))).toHaveProperty('caller');
    expect(await verify(await provider.token({ nbf: now + 40 }))).toMatchObject({ refused: 'token_invalid' });
  });

  test('is refused when no key set is configured', async () => {
    const none = { JWT_JWKS_URL: undefined };
    expect(await verify(await provider.token(), none)).toMatchObject({ refused: 'token_invalid' });
    expect(provider.requests).toBe(0);
  });
});

describe('a key set', () => {
  test('is read once, and again for a key that is new', async () => {
    const old = await provider.token();
    await Promise.all([verify(old), verify(old)]);
    await verify(old);
    expect(provider.requests).toBe(1);
    await provider.rotate('second');
    pass(31);
    expect(await verify(await provider.token())).toHaveProperty('caller');
    expect(provider.requests).toBe(2);
    expect(await verify(old)).toMatchObject({ refused: 'token_invalid' });
  });

  test('is not read for each token with a key that there is not', async () => {
    await verify(await provider.token());
    for (const kid of ['a', 'b', 'c'])
      expect(await verify(await provider.token({}, { kid }))).toMatchObject({ refused: 'token_invalid' });
    expect(provider.requests).toBe(1);
  });

  test('that cannot be had is no fault of the token, and is not asked for at each call', async () => {
    const token = await provider.token();
    provider.fault = 500;
    for (let call = 0; call < 3; call++) expect(await verify(token)).toMatchObject({ refused: 'keys_unavailable' });
    expect(provider.requests).toBe(1);
    provider.fault = null;
    pass(6);
    expect(await verify(token)).toHaveProperty('caller');
  });

  test('that is no key set is not one that knows no token', async () => {
    provider.fault = 200;
    expect(await verify(await provider.token())).toMatchObject({ refused: 'keys_unavailable' });
  });

  test('has no say over tokens of the secret, which go on', async () => {
    provider.fault = 500;
    const key = new TextEncoder().encode(SECRET);
    const token = new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
    expect(await verify(await token.sign(key))).toHaveProperty('caller');
    expect(provider.requests).toBe(0);
  });

  test('is no secret: who signs by HS256 with a public key of it gets nowhere', async () => {
    const { keys } = (await (await fetch(provider.url)).json()) as { keys: JWK[] };
    for (const known of [JSON.stringify(keys[0]), keys[0]?.x ?? '']) {
      const token = new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256', kid: 'first' });
      const signed = await token.setExpirationTime('1h').sign(new TextEncoder().encode(known.padEnd(32)));
      expect(await verify(signed)).toMatchObject({ refused: 'token_invalid' });
    }
  });
});

/** How often a signature is checked by `calls`. */
async function checks(calls: () => Promise<unknown>): Promise<number> {
  const spy = vi.spyOn(crypto.subtle, 'verify');
  await calls();
  const { length } = spy.mock.calls;
  spy.mockRestore();
  return length;
}
const ofSecret = (secret: string, seconds = 3600) =>
  new SignJWT({ sub: 'alice', jti: `${secret} ${seconds}` })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(secret));

describe('a token that was checked', () => {
  test('is known for a minute, whoever has signed it, and has the same caller', async () => {
    for (const token of [await ofSecret(SECRET), await provider.token({ jti: 'x', scope: 'sessions:read' })]) {
      // Of a set that is being read it is not known which keys it will have.
      await verify(await provider.token());
      const first = await verify(token);
      expect(first).toHaveProperty('caller.owner', 'alice');
      expect(await checks(async () => expect(await verify(token)).toEqual(first))).toBe(0);
      pass(61);
      expect(await checks(async () => expect(await verify(token)).toEqual(first))).toBe(1);
    }
  });

  test('ends when it ends', async () => {
    const token = await ofSecret(SECRET, 10);
    expect(await verify(token)).toHaveProperty('caller');
    pass(39);
    expect(await verify(token)).toHaveProperty('caller');
    pass(1);
    expect(await verify(token)).toMatchObject({ refused: 'token_expired' });
  });

  test('is not one of another secret, or issuer', async () => {
    const token = await ofSecret(SECRET);
    expect(await verify(token)).toHaveProperty('caller');
    expect(await verify(token, { JWT_SECRET: `${SECRET}!` })).toMatchObject({ refused: 'token_invalid' });
    expect(await verify(token, { JWT_ISSUER: 'https://id.test' })).toMatchObject({ refused: 'token_invalid' });
    const previous = { JWT_SECRET: `${SECRET}!`, JWT_SECRET_PREVIOUS: SECRET };
    expect(await verify(token, previous)).toHaveProperty('caller');
  });

  test('is refused with the first set that has its key no more, and while no set can be had', async () => {
    const token = await provider.token();
    await verify(token);
    expect(await verify(token)).toHaveProperty('caller');
    expect(provider.requests).toBe(1);
    provider.fault = 500;
    pass(601);
    expect(await verify(token)).toMatchObject({ refused: 'keys_unavailable' });
    provider.fault = null;
    await provider.rotate('second');
    pass(6);
    expect(await verify(token)).toMatchObject({ refused: 'token_invalid' });
  });

  test('is not remembered when it is refused, or so long that many would take too much room', async () => {
    const forged = `${(await ofSecret('another secret, as long as ours is')).slice(0, -3)}AAA`;
    const long = await provider.token({ name: 'x'.repeat(3000) });
    await verify(long);
    for (const token of [forged, long]) {
      const first = await verify(token);
      expect(await checks(async () => expect(await verify(token)).toEqual(first))).toBe(1);
    }
  });
});

test('the edge reads a key set, says when it cannot, and reads it again', async () => {
  const stateFolder = path.join(scratch(), 'edge');
  const vars = { JWT_SECRET: SECRET, JWT_JWKS_URL: provider.url };
  const edge = await startEdge({ worker: WORKER_BUNDLE, host: '127.0.0.1', port: 0, stateFolder, vars });
  const call = async () =>
    await fetch(`${edge.url}/api/v1/sessions`, { headers: { authorization: `Bearer ${await provider.token()}` } });
  try {
    provider.fault = 503;
    const refused = await call();
    expect({ status: refused.status, after: refused.headers.get('retry-after') }).toEqual({ status: 503, after: '5' });
    expect(await refused.json()).toMatchObject({ code: 'keys_unavailable' });
    provider.fault = null;
    await expect.poll(async () => (await call()).status).toBe(200);
  } finally {
    await edge.stop();
  }
});
