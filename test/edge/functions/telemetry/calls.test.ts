import { env } from 'cloudflare:test';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { mint, request, User } from '../../support/api.ts';

const app = createApp();
const admin = new User('admin', { claims: { scope: 'admin' } });

const idOf = async (path: string, headers: Record<string, string> = {}, bindings: object = env) =>
  (await app.request(path, { headers }, bindings)).headers.get('x-request-id');

describe('x-request-id', () => {
  it.each(['/health', '/docs', '/nothing', '/api/v1/sessions', '/mcp', '/api/v1/runner/control'])(
    'is answered by %s, as it came or else as a new one',
    async (path) => {
      expect(await idOf(path, { 'x-request-id': 'Trace_7.a-b' })).toBe('Trace_7.a-b');
      const fresh = await idOf(path);
      expect(fresh).toMatch(/^[0-9a-f-]{36}$/);
      expect(await idOf(path)).not.toBe(fresh);
    },
  );

  it.each(['', 'a b', 'a"b', 'a\tb', '%0A', 'é', 'x'.repeat(65)])('is a new one in place of %j', async (asked) => {
    expect(await idOf('/health', { 'x-request-id': asked })).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is in each problem, without settings too', async () => {
    const asked = { 'x-request-id': 'mine' };
    const refused = await request('/api/v1/sessions', { headers: asked });
    expect(refused.body).toMatchObject({ code: 'token_missing', request_id: 'mine' });
    const unset = await app.request('/health', { headers: asked }, { ...env, PUBLIC_URL: 'nonsense' });
    expect(unset.headers.get('x-request-id')).toBe('mine');
    expect(await unset.json()).toMatchObject({ code: 'not_configured', request_id: 'mine' });
  });

  it('is answered by what fails, and the log names it', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => log.mockRestore());
    const broken = {
      ...env,
      GATE: {
        idFromName: () => {
          throw new Error('of a test');
        },
      },
    };
    const headers = { 'x-request-id': 'mine', authorization: `Bearer ${await admin.token}` };
    const answer = await app.request('/metrics', { headers }, broken);
    expect(answer.headers.get('x-request-id')).toBe('mine');
    expect(await answer.json()).toMatchObject({ code: 'internal_error', request_id: 'mine' });
    expect(JSON.stringify(log.mock.calls)).toContain('mine');
  });

  it('is answered by upgrades and streams, which work', async () => {
    const user = new User();
    const id = await user.createSession();
    const headers = { authorization: `Bearer ${await user.token}`, 'x-request-id': 'mine' };
    const upgrade = { ...headers, upgrade: 'websocket' };
    const stream = await app.request(`/api/v1/sessions/${id}/stream?after=0`, { headers: upgrade }, env);
    expect({ status: stream.status, id: stream.headers.get('x-request-id') }).toEqual({ status: 101, id: 'mine' });
    stream.webSocket?.accept();
    stream.webSocket?.close();
    const sse = { ...headers, accept: 'text/event-stream' };
    const events = await app.request(`/api/v1/sessions/${id}/events`, { headers: sse }, env);
    expect({ status: events.status, id: events.headers.get('x-request-id') }).toEqual({ status: 200, id: 'mine' });
    await events.body?.cancel();
  });
});

/** The lines that calls write. */
function lines(): () => Record<string, unknown>[] {
  const log = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => log.mockRestore());
  return () => log.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
}

const call = (path: string, init: RequestInit = {}, ACCESS_LOG = 'all') =>
  app.request(path, init, { ...env, ACCESS_LOG });

describe('the access log', () => {
  it('has a line for each call, with its route, its answer and whose it was', async () => {
    const written = lines();
    const user = new User('carol@example.org');
    const authorization = `Bearer ${await user.token}`;
    await call('/api/v1/sessions', { headers: { authorization, 'x-request-id': 'one' } });
    await call('/api/v1/sessions/none', { headers: { authorization } });
    await call('/api/v1/sessions', {});
    await call('/wp-login.php', { method: 'PURGE' });
    const [first, second, ...others] = written();
    expect(first).toEqual({
      log: 'access',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      id: 'one',
      method: 'GET',
      route: '/api/v1/sessions',
      status: 200,
      ms: expect.any(Number),
      owner: expect.stringMatching(/^[0-9a-f]{16}$/),
      bytes_in: null,
    });
    expect(second).toMatchObject({ route: '/api/v1/sessions/{session_id}', status: 404, code: 'session_not_found' });
    expect(second?.['owner']).toBe(first?.['owner']);
    expect(others).toMatchObject([
      { status: 401, code: 'token_missing', owner: null },
      { method: 'OTHER', route: 'none', status: 404 },
    ]);
  });

  it('holds no token, ticket, owner, prompt, name of a file or query', async () => {
    const written = lines();
    const owner = `bait-owner-${crypto.randomUUID()}`;
    const user = new User(owner);
    const token = await user.token;
    const headers = { authorization: `Bearer ${token}` };
    const { session_id: id } = await (
      await call('/api/v1/sessions', { method: 'POST', headers, body: '{}' })
    ).json<{ session_id: string }>();
    const at = `/api/v1/sessions/${id}`;
    const { ticket } = await (await call(`${at}/tickets`, { method: 'POST', headers })).json<{ ticket: string }>();
    const prompt = JSON.stringify({ prompt: 'bait-prompt', stream: true });
    await call(`${at}/chat`, { method: 'POST', headers, body: prompt });
    await call(`${at}/files/bait-folder/bait-file.txt`, { headers });
    await call(`${at}/stream?after=0&ticket=${ticket}`, { headers: { upgrade: 'websocket' } });
    await call(`${at}/events?ticket=${ticket}&bait-query=1`, {});
    await call(`/${token}`, {});
    await call(`/api/v1/sessions/bait-id`, { headers: { ...headers, 'x-request-id': token } });
    await call('/health', { headers: { 'x-request-id': 'bait"id' } });
    await call('/mcp', { method: 'POST', headers, body: '{"bait-mcp":1}' });
    const text = JSON.stringify(written());
    expect(written().length).toBeGreaterThanOrEqual(10);
    expect(text).not.toMatch(/bait/);
    for (const secret of [token, ticket, token.split('.')[2] ?? '', ticket.split('.')[2] ?? '', owner, env.JWT_SECRET])
      expect(text).not.toContain(secret);
  });

  it('can have only what was refused or failed, or nothing', async () => {
    const written = lines();
    await call('/health', {}, 'errors');
    await call('/health', {}, 'off');
    await call('/nothing', {}, 'off');
    await call('/nothing', {}, 'errors');
    expect(written()).toMatchObject([{ status: 404 }]);
  });

  it('names an owner otherwise with another secret', async () => {
    const written = lines();
    const JWT_SECRET = 'another one that is long enough for a key';
    for (const secret of [env.JWT_SECRET, JWT_SECRET]) {
      const headers = { authorization: `Bearer ${await mint('dora', { secret })}` };
      await app.request('/api/v1/sessions', { headers }, { ...env, JWT_SECRET: secret, ACCESS_LOG: 'all' });
    }
    const [first, second] = written();
    expect(first).toMatchObject({ status: 200 });
    expect(second).toMatchObject({ status: 200, owner: expect.not.stringMatching(String(first?.['owner'])) });
  });
});
