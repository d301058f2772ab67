import { describe, expect, it } from 'vitest';
import { request, User } from '../../support/api.ts';

const admin = new User('admin', { claims: { scope: 'admin' } });
const actionsOf = async (actor: string) => {
  const { body } = await admin.call('GET', `/audit?actor=${encodeURIComponent(actor)}`, undefined);
  return body.data as { action: string; target: string; address: string | null; detail: string | null }[];
};

describe('POST /tokens', () => {
  it('mints a token that may no more than it says', async () => {
    const owner = new User();
    const id = await owner.createSession();
    const asked = { sub: owner.name, scope: 'sessions:read', sid: id, ttl_seconds: 60 };
    const { status, body } = await admin.call('POST', '/tokens', asked);
    expect(status).toBe(201);
    expect(Date.parse(body.expires_at) - Date.now()).toBeLessThanOrEqual(60_000);
    const call = (method: string, path: string) =>
      request(`/api/v1${path}`, { method, headers: { authorization: `Bearer ${body.token}` } });
    expect((await call('GET', `/sessions/${id}`)).status).toBe(200);
    expect((await call('POST', `/sessions/${id}/stop`)).body.code).toBe('scope_missing');
    expect((await call('GET', '/storage')).body.code).toBe('token_bound');
    await admin.call('POST', '/revocations', { jti: body.jti });
    await expect.poll(async () => (await call('GET', `/sessions/${id}`)).body.code).toBe('token_revoked');
  });

  it('refuses a scope that there is not, and who is no admin', async () => {
    const { status, body } = await admin.call('POST', '/tokens', { sub: 'bob', scope: 'sessions:read root' });
    expect({ status, detail: body.detail }).toEqual({ status: 422, detail: expect.stringContaining('root') });
    expect((await new User().call('POST', '/tokens', { sub: 'bob' })).body.code).toBe('scope_missing');
  });
});

describe('the audit log', () => {
  it('says who did what, and from where, the newest first', async () => {
    const user = new User();
    const from = { 'cf-connecting-ip': '198.51.100.7' };
    const { body: created } = await user.call('POST', '/sessions', {}, from);
    const id = created.session_id as string;
    await user.call('POST', `/sessions/${id}/tickets`, undefined, from);
    await user.call('GET', `/sessions/${id}/files/secret.txt`, undefined, from);
    await user.call('DELETE', `/sessions/${id}`, undefined, from);
    // Nothing is deleted, so nothing is said of it.
    expect((await user.call('DELETE', `/sessions/${crypto.randomUUID()}`)).status).toBe(404);
    const entries = await actionsOf(user.name);
    expect(entries.map(({ action, target, address }) => ({ action, target, address }))).toEqual(
      ['session.deleted', 'file.read', 'ticket.minted', 'session.created'].map((action) => ({
        action,
        target: id,
        address: '198.51.100.7',
      })),
    );
    expect(entries[1]?.detail).toContain('secret.txt');
  });

  it('has what was minted and revoked, and nothing that was refused', async () => {
    const root = new User(undefined, { claims: { scope: 'admin' } });
    const { body } = await root.call('POST', '/tokens', { sub: 'carol' });
    await root.call('POST', '/revocations', { jti: body.jti });
    await root.call('POST', '/tokens', { sub: 'carol', scope: 'root' });
    await root.call('POST', '/sessions', {});
    const entries = await actionsOf(root.name);
    expect(entries.map(({ action, target }) => ({ action, target }))).toEqual([
      { action: 'token.revoked', target: body.jti },
      { action: 'token.minted', target: 'carol' },
    ]);
    expect(JSON.stringify(entries)).not.toContain(body.token);
  });

  it('is read page by page, by who did something or by what was done, by admins alone', async () => {
    const root = new User(undefined, { claims: { scope: 'admin' } });
    for (const sub of ['a', 'b', 'c']) await root.call('POST', '/tokens', { sub });
    const query = `actor=${root.name}&action=token.minted&limit=2`;
    const first = await admin.call('GET', `/audit?${query}`);
    expect(first.body.data.map(({ target }: { target: string }) => target)).toEqual(['c', 'b']);
    const second = await admin.call('GET', `/audit?${query}&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ data: [{ target: 'a' }], next_cursor: null });
    expect((await new User().call('GET', '/audit')).body.code).toBe('scope_missing');
    expect((await admin.call('DELETE', '/audit')).status).toBe(404);
  });
});

const counted = async (name: string) => {
  const authorization = `Bearer ${await admin.token}`;
  const { body } = await request('/metrics', { headers: { authorization } });
  const line = (body as string).split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? 0);
};

describe('GET /metrics', () => {
  it('counts what was refused, by its code', async () => {
    const before = await counted('cc_docker_refusals_total{code="session_not_found"}');
    for (let i = 0; i < 3; i += 1) await new User().call('GET', `/sessions/${crypto.randomUUID()}`);
    expect(await counted('cc_docker_refusals_total{code="session_not_found"}')).toBe(before + 3);
    expect((await request('/metrics')).body.code).toBe('token_missing');
  });

  it('counts sessions that were parked, by the reason', async () => {
    const stopped = 'cc_docker_sessions_ended_total{reason="stopped_by_user"}';
    const before = await counted(stopped);
    const user = new User();
    const id = await user.createSession();
    await user.call('POST', `/sessions/${id}/stop`);
    await expect.poll(() => counted(stopped)).toBe(before + 1);
  });
});
