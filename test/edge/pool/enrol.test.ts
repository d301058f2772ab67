import { beforeEach, describe, expect, it } from 'vitest';
import { CloseCode } from '../../../protocol/close-code.ts';
import { TokenType } from '../../../protocol/token.ts';
import { dial, request } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { codeFor, enrol, newKey, signedBy } from '../support/runner-token.ts';

beforeEach(emptyPool);

const newName = () => `runner-${crypto.randomUUID()}`;
/** The answer to a request of the control socket that is no WebSocket: 426 for who may open one. */
const control = async (token: string) =>
  request('/api/v1/runner/control', { headers: { authorization: `Bearer ${token}` } });
const MAY_OPEN = 426;

describe('a runner', () => {
  it('enrols its key with a code, and opens its socket with what it signs itself', async () => {
    const [name, key] = [newName(), await newKey()];
    expect(await control(await signedBy(key, name))).toMatchObject({
      status: 401,
      body: { code: 'runner_unknown', detail: expect.stringContaining('enrol') },
    });
    expect(await enrol(await codeFor(name), key)).toMatchObject({ status: 201, body: { name } });
    for (let time = 0; time < 2; time++) (await dial('/control', await signedBy(key, name))).close();
  });

  it('signs nothing for another name, nor with another key', async () => {
    const [mine, other] = [newName(), newName()];
    const [key, stranger] = [await newKey(), await newKey()];
    await enrol(await codeFor(mine), key);
    await enrol(await codeFor(other), await newKey());
    expect((await control(await signedBy(key, other))).body.code).toBe('runner_unknown');
    expect((await control(await signedBy(stranger, mine))).body.code).toBe('runner_unknown');
    expect((await control(await signedBy(key, mine))).status).toBe(MAY_OPEN);
  });

  it('has tokens of minutes, and of its own type', async () => {
    const [name, key] = [newName(), await newKey()];
    await enrol(await codeFor(name), key);
    expect((await control(await signedBy(key, name, { expires: '-31s' }))).body.code).toBe('token_expired');
    for (const typ of [TokenType.user, TokenType.session])
      expect((await control(await signedBy(key, name, { typ }))).body.code).toBe('token_invalid');
    // As a user it is nobody.
    const headers = { authorization: `Bearer ${await signedBy(key, name, { typ: TokenType.user })}` };
    expect((await request('/api/v1/sessions', { headers })).status).toBe(401);
  });
});

describe('a code', () => {
  it('is for one runner, once', async () => {
    const [name, key] = [newName(), await newKey()];
    const code = await codeFor(name);
    expect((await enrol(code, key)).status).toBe(201);
    expect(await enrol(code, await newKey())).toMatchObject({
      status: 401,
      body: { code: 'runner_code_used', detail: expect.stringContaining('Make another') },
    });
    expect((await control(await signedBy(key, name))).status).toBe(MAY_OPEN);
  });

  it('may be sent again by the same runner, whose answer was lost', async () => {
    const key = await newKey();
    const code = await codeFor(newName());
    for (let time = 0; time < 2; time++) expect((await enrol(code, key)).status).toBe(201);
  });

  it('that is new takes the name from who had it, and ends that one’s connection', async () => {
    const name = newName();
    const [old, next] = [await newKey(), await newKey()];
    const code = await codeFor(name);
    await enrol(code, old);
    const socket = await dial('/control', await signedBy(old, name));
    expect((await enrol(await codeFor(name), next)).status).toBe(201);
    expect((await socket.closed()).code).toBe(CloseCode.unauthorized);
    expect((await control(await signedBy(old, name))).body.code).toBe('runner_unknown');
    expect((await control(await signedBy(next, name))).status).toBe(MAY_OPEN);
    // The former runner cannot take it back with what it has.
    expect((await enrol(code, old)).body.code).toBe('runner_code_used');
  });

  it('expires, and says what to do then', async () => {
    const refused = await enrol(await codeFor(newName(), { expires: '-31s' }), await newKey());
    expect(refused).toMatchObject({
      status: 401,
      body: { code: 'token_expired', detail: expect.stringContaining('--kind runner') },
    });
  });

  it.each([
    ['no key', {}],
    ['a private key', { public_key: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), d: 'A'.repeat(43) } }],
    ['a key of another kind', { public_key: { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) } }],
  ])('enrols not %s', async (_, body) => {
    const headers = { authorization: `Bearer ${await codeFor(newName())}` };
    const answer = await request('/api/v1/runner/enrol', { method: 'POST', headers, body: JSON.stringify(body) });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
  });
});
