import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { MAX_BODY_BYTES } from '../../../protocol/settings/limits.ts';
import { TokenType } from '../../../protocol/token.ts';
import { mint, request, User } from '../support/api.ts';

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

const part = (value: object) => btoa(JSON.stringify(value)).replaceAll('=', '');

describe('tokens', () => {
  it.each([
    ['no token', {}, 'token_missing'],
    ['no bearer', { headers: { authorization: 'Basic YTpi' } }, 'token_invalid'],
    ['no JWT', bearer('nonsense'), 'token_invalid'],
  ])('refuses a call with %s', async (_, init, code) => {
    const { status, body, headers } = await request('/api/v1/sessions', init);
    expect(status).toBe(401);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ code, status: 401, detail: expect.stringContaining('npm run --silent token') });
  });

  it.each([
    ['of another secret', { secret: 'another secret, long enough for HS256' }, 'token_invalid'],
    ['that has expired', { expires: '-31s' }, 'token_expired'],
    ['of a runner', { typ: TokenType.runner }, 'token_invalid'],
    ['of a session', { typ: TokenType.session }, 'token_invalid'],
  ])('refuses a token %s', async (_, options, code) => {
    const { status, body } = await request('/api/v1/sessions', bearer(await mint('alice', options)));
    expect({ status, code: body.code }).toEqual({ status: 401, code });
  });

  it('refuses a token that is not signed, whatever it says of itself', async () => {
    const token = `${part({ alg: 'none', typ: 'JWT' })}.${part({ sub: 'alice', exp: 4_000_000_000 })}.`;
    expect((await request('/api/v1/sessions', bearer(token))).body.code).toBe('token_invalid');
  });

  it('takes no header in place of a token', async () => {
    const headers = { 'x-user-id': 'alice', 'x-forwarded-user': 'alice', 'x-internal': 'true' };
    expect((await request('/api/v1/sessions', { headers })).status).toBe(401);
  });

  it("refuses a user's token on the runner's sockets", async () => {
    const token = await mint('alice');
    expect((await request('/api/v1/runner/control', bearer(token))).body.code).toBe('token_invalid');
  });

  it('serves nothing without a secret, and says so', async () => {
    const bare = { ...env, JWT_SECRET: undefined };
    const response = await createApp().request('/api/v1/sessions', {}, bare);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      code: 'not_configured',
      detail: expect.stringContaining('JWT_SECRET'),
    });
  });
});

describe('bad input', () => {
  it.each([
    ['an unknown field', { config: { modell: 'opus' } }, 422, 'invalid_request', 'modell'],
    ['an unknown field at the top', { confg: {} }, 422, 'invalid_request', 'confg'],
    ['a wrong type', { config: { max_turns: 'many' } }, 422, 'invalid_request', 'config.max_turns'],
    ['a number out of range', { config: { timeout_seconds: 0 } }, 422, 'invalid_request', 'config.timeout_seconds'],
    ['a model that looks like a flag', { config: { model: '--help' } }, 422, 'invalid_request', 'config.model'],
    ['a workspace that there is not', { workspace: { type: 'cloud' } }, 422, 'invalid_request', 'workspace.type'],
    ['a secret that is no name', { config: { secrets: ['../a'] } }, 422, 'invalid_request', 'config.secrets'],
    ['an egress rule with a path', { config: { network: { allow: ['a.test/x'] } } }, 422, 'invalid_request', 'network'],
    ['an egress rule in octal', { config: { network: { allow: ['*.a..b'] } } }, 422, 'invalid_request', 'network'],
    ['too little memory', { config: { resources: { memory_mb: 1 } } }, 422, 'invalid_request', 'memory_mb'],
    ['a list for an object', [], 422, 'invalid_request', ''],
    ['null', 'null', 422, 'invalid_request', ''],
    ['JSON that is not JSON', '{"config":', 400, 'invalid_json', ''],
    ['plain text', 'hello', 400, 'invalid_json', ''],
  ])('refuses %s in a creation', async (_, sent, status, code, named) => {
    const answer = await new User().call('POST', '/sessions', sent);
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.body.detail).toContain(named);
  });

  it('refuses an empty prompt', async () => {
    const user = new User();
    const id = await user.createSession();
    const answer = await user.call('POST', `/sessions/${id}/chat`, { prompt: '' });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'prompt', message: 'must not be empty' }] } });
  });

  it('refuses a body over the limit, whether or not its length was said', async () => {
    const user = new User();
    const large = JSON.stringify({ prompt: 'x'.repeat(MAX_BODY_BYTES) });
    const said = await user.call('POST', '/sessions', large, { 'content-length': String(large.length) });
    expect(said).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    expect(said.body.detail).toContain(String(MAX_BODY_BYTES));
    const unsaid = await user.call('POST', '/sessions', large);
    expect(unsaid).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
  });

  it('takes JSON whatever the content type says, as curl sends it', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await new User().call('POST', '/sessions', '{"config":{}}', form)).status).toBe(201);
  });

  it.each([
    ['GET', '/sessions/not-an-id', 404, 'session_not_found'],
    ['GET', '/sessions/01939f5a-7c1e-7000-8000-1a2b3c4d5e6f', 404, 'session_not_found'],
    ['GET', '/sessions/01939f5a-7c1e-7000-8000-1a2b3c4d5e6f/events', 404, 'session_not_found'],
    ['GET', '/nothing', 404, 'route_not_found'],
    ['PATCH', '/sessions', 404, 'route_not_found'],
    ['GET', '/sessions?limit=0', 422, 'invalid_request'],
    ['GET', '/sessions?limit=many', 422, 'invalid_request'],
    ['GET', '/sessions?status=asleep', 422, 'invalid_request'],
    ['GET', '/sessions?cursor=nonsense', 422, 'invalid_request'],
    ['GET', '/sessions?lmit=5', 422, 'invalid_request'],
  ])('answers %s %s with %i %s', async (method, path, status, code) => {
    const { body, ...answer } = await new User().call(method, path);
    expect({ status: answer.status, code: body.code }).toEqual({ status, code });
  });

  it('refuses a message that there is not, and a cursor that is none', async () => {
    const user = new User();
    const id = await user.createSession();
    const message = await user.call('GET', `/sessions/${id}/messages/${id}`);
    expect(message).toMatchObject({ status: 404, body: { code: 'message_not_found' } });
    expect((await user.call('GET', `/sessions/${id}/events?after=-1`)).body.code).toBe('invalid_request');
    await expect(user.open(id, '?after=9999')).rejects.toThrow('422');
    expect((await user.stream(id, { 'last-event-id': '9999' })).status).toBe(422);
  });

  it('says that the stream is a WebSocket to who asks without one', async () => {
    const user = new User();
    const id = await user.createSession();
    expect(await user.call('GET', `/sessions/${id}/stream`)).toMatchObject({
      status: 426,
      body: { code: 'upgrade_required' },
    });
  });

  it.each([
    ['no JSON', 'nonsense', 'invalid_json'],
    ['an unknown type', { type: 'dance' }, 'invalid_request'],
    ['an unknown field', { type: 'ping', loud: true }, 'invalid_request'],
    ['an empty prompt', { type: 'prompt', prompt: '' }, 'invalid_request'],
    ['an interrupt of nothing', { type: 'interrupt' }, 'nothing_to_interrupt'],
  ])('answers %s on the WebSocket with an error frame and stays open', async (_, frame, code) => {
    const user = new User();
    const viewer = await user.open(await user.createSession(), '?after=0');
    viewer.send(frame);
    const error = await viewer.next(({ type }) => type === 'error');
    expect(error).toMatchObject({ type: 'error', code, detail: expect.any(String) });
    viewer.send({ type: 'ping' });
    expect(await viewer.next(({ type }) => type === 'pong')).toBeDefined();
  });

  it('closes a WebSocket that sends too much at once', async () => {
    const user = new User();
    const viewer = await user.open(await user.createSession(), '?after=0');
    viewer.send('x'.repeat(MAX_BODY_BYTES + 1));
    expect((await viewer.closed()).code).toBe(4413);
  });
});
