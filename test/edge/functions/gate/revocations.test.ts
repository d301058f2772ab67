import { describe, expect, inject, it } from 'vitest';
import { openByTicket, User } from '../../support/api.ts';
import { CloseCode } from '../../../../protocol/close-code.ts';

const admin = new User('admin', { claims: { scope: 'admin' } });
const revoke = async (what: object) => {
  const { status, body } = await admin.call('POST', '/revocations', what);
  expect(status).toBe(201);
  return body;
};
const withJti = () => ({ claims: { jti: crypto.randomUUID() } });
const jtiOf = async (user: User) => JSON.parse(atob((await user.token).split('.')[1] ?? '')).jti as string;

/** A token is believed for two seconds after it was checked. */
const refused = async (user: User) =>
  expect
    .poll(async () => (await user.call('GET', '/sessions')).body.code, { timeout: inject('waitMs') / 6 })
    .toBe('token_revoked');

describe('a token', () => {
  it('is revoked by its id, alone, within seconds', async () => {
    const user = new User(undefined, withJti());
    const other = user.withToken(withJti());
    expect((await user.call('GET', '/sessions')).status).toBe(200);
    await revoke({ jti: await jtiOf(user) });
    await refused(user);
    expect((await other.call('GET', '/sessions')).status).toBe(200);
  });

  it('is revoked with all of its owner that are as old', async () => {
    const user = new User();
    const noTime = user.withToken({ claims: { iat: undefined } });
    const { before } = await revoke({ sub: user.name });
    expect(Date.parse(before)).toBeLessThanOrEqual(Date.now());
    await refused(user);
    await refused(noTime);
    const later = user.withToken({ claims: { iat: Math.floor(Date.now() / 1000) + 2 } });
    expect((await later.call('GET', '/sessions')).status).toBe(200);
    expect((await new User().call('GET', '/sessions')).status).toBe(200);
  });

  it('that was made after the time that is named stays good', async () => {
    const user = new User();
    await revoke({ sub: user.name, before: new Date(Date.now() - 60_000).toISOString() });
    expect((await user.call('GET', '/sessions')).status).toBe(200);
    // An earlier time takes nothing back.
    await revoke({ sub: user.name, before: new Date(Date.now() + 1000).toISOString() });
    await revoke({ sub: user.name, before: '2020-01-01T00:00:00.000Z' });
    await refused(user);
  });

  it('is revoked only by an admin, who says which', async () => {
    expect((await new User().call('POST', '/revocations', { sub: 'bob' })).body.code).toBe('scope_missing');
    for (const what of [{}, { sub: '' }, { jti: 'a', sub: 'b' }, { sub: 'a', before: 'yesterday' }])
      expect((await admin.call('POST', '/revocations', what)).status, JSON.stringify(what)).toBe(422);
  });
});

describe('what is open', () => {
  it('ends with its token: WebSocket, event stream, and what a ticket opened', async () => {
    const user = new User(undefined, withJti());
    const other = user.withToken(withJti());
    const id = await user.createSession();
    const { body } = await user.call('POST', `/sessions/${id}/tickets`);
    const ended = [await user.open(id, '?after=0'), await openByTicket(id, body.ticket)];
    const stays = await other.open(id, '?after=0');
    const events = await user.stream(id);
    await revoke({ jti: await jtiOf(user) });
    for (const socket of ended) expect(await socket.closed()).toMatchObject({ code: CloseCode.unauthorized });
    expect(await events.text()).toContain('the token has been revoked');
    stays.send({ type: 'ping' });
    await stays.next((frame) => frame.type === 'pong');
    stays.close();
  });

  it('ends for all of an owner', async () => {
    const user = new User();
    const [a, b] = [await user.createSession(), await user.createSession()];
    const sockets = [await user.open(a, '?after=0'), await user.open(b, '?after=0')];
    await revoke({ sub: user.name });
    for (const socket of sockets) expect(await socket.closed()).toMatchObject({ code: CloseCode.unauthorized });
  });

  it('is not opened by a ticket of a revoked token', async () => {
    const user = new User(undefined, withJti());
    const id = await user.createSession();
    const { body } = await user.call('POST', `/sessions/${id}/tickets`);
    await revoke({ jti: await jtiOf(user) });
    await refused(user);
    await expect(openByTicket(id, body.ticket)).rejects.toThrow();
  });
});
