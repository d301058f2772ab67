import { env } from 'cloudflare:test';
import { newHttpBatchRpcSession } from 'capnweb';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import type { Calls } from '../../../functions/door/calls.ts';
import { signingKey } from '../../../protocol/token-keys.ts';
import { TokenType } from '../../../protocol/token.ts';
import { mint, request, User } from '../support/api.ts';
import { codeFor, runnerToken } from '../support/runner-token.ts';

/** The door through which edges elsewhere reach the objects (`REMOTE_EDGES`). */

const app = createApp();
const OPEN = { ...env, REMOTE_EDGES: 'true' };

async function serviceToken(expires = '1h', jti: string = crypto.randomUUID()): Promise<string> {
  return new SignJWT({ jti })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.service })
    .setSubject('deno')
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(await signingKey({ JWT_SECRET: env.JWT_SECRET }, 'service'));
}

async function knock(path: string, token: string | null, vars: object = OPEN, init: RequestInit = {}) {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const answer = await app.request(`/objects${path}`, { ...init, headers }, vars);
  const text = await answer.text();
  const isProblem = answer.headers.get('content-type') === 'application/problem+json';
  return { status: answer.status, text, code: isProblem ? (JSON.parse(text).code as string) : null };
}

/** Calls through the door, as an edge elsewhere does. */
function call(binding: string, name: string, method: string, ...args: unknown[]): Promise<unknown> {
  return callWith(OPEN, binding, name, method, ...args);
}

async function callWith(
  vars: object,
  binding: string,
  name: string,
  method: string,
  ...args: unknown[]
): Promise<unknown> {
  const token = await serviceToken();
  vi.stubGlobal('fetch', (_url: unknown, init: RequestInit) =>
    app.request('/objects/calls', { ...init, headers: { authorization: `Bearer ${token}` } }, vars),
  );
  return await newHttpBatchRpcSession<Calls>('http://edge/objects/calls').call(binding, name, method, args);
}
afterEach(() => vi.unstubAllGlobals());

const PATHS = ['', '/disk', '/calls', '/sessions/01900000-0000-7000-8000-000000000000/events'] as const;
const methodOf = (path: string) => ({ method: path === '/calls' ? 'POST' : 'GET' });

describe('the door', () => {
  it('is not there unless the operator allows it, whoever knocks', async () => {
    for (const path of PATHS) {
      const token = await serviceToken();
      expect(await knock(path, token, env, methodOf(path))).toMatchObject({ status: 404, code: 'route_not_found' });
    }
  });

  it.each([
    ['nobody', () => null, 'token_missing'],
    ['a user', () => mint('alice', { claims: { scope: 'admin' } }), 'token_invalid'],
    ['a user who says to be a service', () => mint('alice', { typ: TokenType.service }), 'token_invalid'],
    ['a session', () => mint(crypto.randomUUID(), { typ: TokenType.session, claims: { epoch: 1 } }), 'token_invalid'],
    ['a runner', () => runnerToken('builder'), 'token_invalid'],
    ['a runner that enrols', () => codeFor('builder'), 'token_invalid'],
    ['a service whose token has expired', () => serviceToken('-31s'), 'token_expired'],
  ])('is closed to %s', async (_, token, code) => {
    const made = await token();
    for (const path of PATHS) {
      expect(await knock(path, made, OPEN, methodOf(path))).toMatchObject({ status: 401, code });
    }
  });

  it('is closed to a service whose token was revoked', async () => {
    const jti = crypto.randomUUID();
    const admin = new User('root', { claims: { scope: 'admin' } });
    expect(await admin.call('POST', '/revocations', { jti })).toMatchObject({ status: 201 });
    expect(await knock('', await serviceToken('1h', jti))).toMatchObject({ status: 401, code: 'token_revoked' });
  });

  it('opens no route of users or runners with a service’s token', async () => {
    const headers = { authorization: `Bearer ${await serviceToken()}` };
    for (const path of ['/api/v1/sessions', '/api/v1/runner/control', '/metrics'])
      expect(await request(path, { headers })).toMatchObject({ status: 401 });
  });

  it('lets an edge elsewhere call what handlers call, for any owner', async () => {
    const alice = new User();
    const id = await alice.createSession({ model: 'opus-4' });
    expect(await call('SESSION', id, 'show', alice.name)).toMatchObject({ session_id: id, status: 'queued' });
    expect(await call('SESSION', id, 'show', 'mallory')).toMatchObject({ refused: 'session_not_found' });
    expect(await call('DIRECTORY', alice.name, 'has', id)).toBe(true);
    const { json } = (await call('SESSION', id, 'events', alice.name, 0, 10)) as { json: Uint8Array };
    expect(JSON.parse(new TextDecoder().decode(json)).data[0]).toMatchObject({ seq: 1 });
  });

  it.each([
    ['what sessions tell each other', 'SESSION', 'setTurnPermit'],
    ['what the pool tells a session', 'SESSION', 'started'],
    ['what runners enrol with', 'RUNNER_POOL', 'enrol'],
    ['the raw socket of a runner', 'RUNNER_POOL', 'fetch'],
    ['the way to other objects', 'SESSION', 'constructor'],
    ['an object’s alarm', 'SESSION', 'alarm'],
    ['another binding', 'JWT_SECRET', 'toString'],
    ['nothing at all', 'SESSION', ''],
  ])('does not pass %s', async (_, binding, method) => {
    const id = await new User().createSession();
    await expect(call(binding, id, method)).rejects.toThrow(/may not be called|Invalid option/);
  });

  it.each([{ retryable: true }, { overloaded: true }, { durableObjectReset: true, remote: true }])(
    'passes on what Cloudflare marks an error with: %j',
    async (marks) => {
      const stub = {
        show() {
          throw Object.assign(new Error('the object could not be reached'), marks);
        },
      };
      const vars = { ...OPEN, SESSION: { idFromName: (name: string) => name, get: () => stub } };
      const failed = callWith(vars, 'SESSION', 'of-no-matter', 'show', 'alice');
      await expect(failed).rejects.toMatchObject({ message: 'the object could not be reached', ...marks });
    },
  );

  it('fetches of a session nothing that runners dial', async () => {
    const id = await new User().createSession();
    const token = await serviceToken();
    for (const path of ['data?epoch=1', 'transfer?id=x&runner=y', 'other'])
      expect(await knock(`/sessions/${id}/${path}`, token)).toMatchObject({ status: 404, code: 'route_not_found' });
  });
});
