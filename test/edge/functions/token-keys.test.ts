import { env, runInDurableObject } from 'cloudflare:test';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { CloseCode } from '../../../protocol/close-code.ts';
import { DEFAULT_POOL } from '../../../protocol/settings/pools-setting.ts';
import { TokenType } from '../../../protocol/token.ts';
import { PlacesTable } from '../../../durable/pool/tables/places-table.ts';
import { mintSessionToken } from '../../../durable/shared/tokens/session-token.ts';
import { dial, mint, User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeContainer, FakeRunner } from '../support/runner.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

const NEXT = 'the secret that comes after the first one';
const listed = async (token: string, vars: Record<string, string>) =>
  (
    await createApp().request(
      '/api/v1/sessions',
      { headers: { authorization: `Bearer ${token}` } },
      { ...env, ...vars },
    )
  ).status;

/** A token of any type, signed with the secret itself, as any library does it. */
const signedWithSecret = (sub: string, typ: string, claims: object = {}) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ })
    .setSubject(sub)
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(env.JWT_SECRET));

describe('the secret', () => {
  it('may be changed: tokens of the one before are good for as long as that is named', async () => {
    const [old, next] = await Promise.all([mint('alice'), mint('alice', { secret: NEXT })]);
    const both = { JWT_SECRET: NEXT, JWT_SECRET_PREVIOUS: env.JWT_SECRET };
    expect(await listed(old, both)).toBe(200);
    expect(await listed(next, both)).toBe(200);
    expect(await listed(old, { JWT_SECRET: NEXT })).toBe(401);
  });

  it('before it signs nothing that has expired back to life', async () => {
    const old = await mint('alice', { expires: '-31s' });
    const response = await createApp().request(
      '/api/v1/sessions',
      { headers: { authorization: `Bearer ${old}` } },
      { ...env, JWT_SECRET: NEXT, JWT_SECRET_PREVIOUS: env.JWT_SECRET },
    );
    expect(await response.json()).toMatchObject({ code: 'token_expired' });
  });
});

describe('a token of JWT_SECRET', () => {
  it('is for this service and of that issuer, when they are set', async () => {
    const vars = { JWT_ISSUER: 'me', JWT_AUDIENCE: 'cc-docker' };
    expect(await listed(await mint('alice', { claims: { iss: 'me', aud: 'cc-docker' } }), vars)).toBe(200);
    expect(await listed(await mint('alice', { claims: { iss: 'me', aud: 'another' } }), vars)).toBe(401);
    expect(await listed(await mint('alice', { claims: { aud: 'cc-docker' } }), vars)).toBe(401);
  });

  it('is good for 30 s after its end and before its beginning, because clocks differ', async () => {
    const now = Math.floor(Date.now() / 1000);
    expect(await listed(await mint('alice', { expires: '-20s' }), {})).toBe(200);
    expect(await listed(await mint('alice', { claims: { nbf: now + 20 } }), {})).toBe(200);
    expect(await listed(await mint('alice', { claims: { nbf: now + 60 } }), {})).toBe(401);
  });
});

describe('the key of a kind', () => {
  it('signs no other: whoever can have a user’s token signed makes no session’s of it', async () => {
    const runner = await FakeRunner.connect();
    const id = await new User().createSession();
    await runner.launch(id);
    const forged = await signedWithSecret(id, TokenType.session, { epoch: 1 });
    await expect(dial(`/sessions/${id}/data`, forged)).rejects.toThrow();
    // Nor the other way round.
    const session = await mint(id, { typ: TokenType.session });
    expect(await listed(session, {})).toBe(401);
  });
});

describe('a session’s token', () => {
  it('has no end of its own', async () => {
    const token = await mintSessionToken(env, crypto.randomUUID(), 1);
    expect(JSON.parse(atob(token.split('.')[1] ?? ''))).not.toHaveProperty('exp');
  });

  it('is over with its epoch: nobody speaks for the container before', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    const container = await runner.start(id);
    await runner.end(container);
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'wake' });
    await runner.launch(id);
    const late = await dial(`/sessions/${id}/data`, container.launch.token);
    expect((await late.closed()).code).toBe(CloseCode.staleEpoch);
    container.say({ type: 'assistant', forged: true });
    expect((await container.data.closed()).code).toBe(CloseCode.staleEpoch);
    expect((await user.events(id)).map(({ type }) => type)).not.toContain('assistant');
  });

  it('is minted anew for a launch that waits while the secret is changed, or that an earlier version left', async () => {
    const user = new User();
    const id = await user.createSession();
    const pool = env.RUNNER_POOL.get(env.RUNNER_POOL.idFromName(DEFAULT_POOL));
    const old = await signedWithSecret(id, TokenType.session, { epoch: 1 });
    await runInDurableObject(pool, (_, { storage }) => {
      const table = new PlacesTable(storage.sql);
      const place = table.of(id);
      const launch = place === null ? null : table.launch(place);
      if (place !== null && launch !== null) table.setToken(place, launch, old);
    });
    await evict(pool);
    const runner = await FakeRunner.connect();
    const launch = await runner.launch(id);
    expect(launch.token).not.toBe(old);
    const container = await FakeContainer.connect(launch);
    container.say({ notice: 'ready', claude_version: '2.1.330' });
    await container.stored();
  });
});
