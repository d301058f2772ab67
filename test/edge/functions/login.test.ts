import { describe, expect, it } from 'vitest';
import { TokenType } from '../../../protocol/token.ts';
import { mint, request, User, type TokenOptions } from '../support/api.ts';

const codeFor = (sub: string, { claims, ...options }: TokenOptions = {}) =>
  mint(sub, { typ: TokenType['login-code'], claims: { jti: crypto.randomUUID(), ...claims }, ...options });

const login = (code: string, headers: Record<string, string> = {}) =>
  request('/api/v1/login', { method: 'POST', headers: { authorization: `Bearer ${code}`, ...headers } });

const admin = new User('admin', { claims: { scope: 'admin' } });

describe('POST /login', () => {
  it('gives a token of its owner for a code, once', async () => {
    const owner = new User();
    const id = await owner.createSession();
    const code = await codeFor(owner.name);
    const { status, body } = await login(code);
    expect({ status, sub: body.sub }).toEqual({ status: 201, sub: owner.name });
    expect(Date.parse(body.expires_at) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    const shown = await request(`/api/v1/sessions/${id}`, { headers: { authorization: `Bearer ${body.token}` } });
    expect(shown.status).toBe(200);
    const again = await login(code);
    expect({ status: again.status, code: again.body.code }).toEqual({ status: 401, code: 'login_code_used' });
    expect(again.body.detail).toContain('makes another');
  });

  it('gives one of two that come at the same time a token', async () => {
    const code = await codeFor(crypto.randomUUID());
    const answers = await Promise.all([login(code), login(code)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 401]);
  });

  it('the token may what the code says, and its commits are by whom it says', async () => {
    const { body } = await login(await codeFor('carol', { claims: { scope: 'sessions:read', name: 'Carol' } }));
    const call = await request('/api/v1/sessions', {
      method: 'POST',
      headers: { authorization: `Bearer ${body.token}` },
      body: '{}',
    });
    expect(call.body.code).toBe('scope_missing');
    const [, claims = ''] = (body.token as string).split('.');
    expect(JSON.parse(atob(claims))).toMatchObject({ sub: 'carol', name: 'Carol', scope: 'sessions:read' });
  });

  it.each([
    ['a user’s token', () => mint('alice'), 'token_invalid'],
    [
      'a code for a runner',
      () => mint('alice', { typ: TokenType['runner-code'], claims: { jti: 'x' } }),
      'token_invalid',
    ],
    ['a code signed as a user’s token', () => mint('alice', { claims: { jti: 'y' } }), 'token_invalid'],
    ['a code that has expired', () => codeFor('alice', { expires: '-31s' }), 'token_expired'],
    [
      'a code of another secret',
      () => codeFor('alice', { secret: 'another secret, long enough for HS256' }),
      'token_invalid',
    ],
  ])('takes not %s', async (_, made, code) => {
    const answer = await login(await made());
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 401, code });
  });

  it('takes no code of someone whose tokens were revoked since', async () => {
    const sub = crypto.randomUUID();
    const code = await codeFor(sub, { claims: { iat: Math.floor(Date.now() / 1000) - 5 } });
    await admin.call('POST', '/revocations', { sub });
    expect((await login(code)).body.code).toBe('token_revoked');
  });

  it('is in the audit log', async () => {
    const sub = crypto.randomUUID();
    await login(await codeFor(sub), { 'cf-connecting-ip': '198.51.100.9' });
    const { body } = await admin.call('GET', `/audit?actor=${sub}`);
    expect(body.data).toMatchObject([{ action: 'token.minted', target: sub, address: '198.51.100.9' }]);
  });
});
