import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { openByTicket, request, User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { ran, sessionObject, type Ran } from '../support/scene.ts';

/** What a page opens without a header of its own: by a ticket, once. */

beforeEach(emptyPool);

const ticketOf = async ({ user, id }: Pick<Ran, 'user' | 'id'>): Promise<string> => {
  const { status, body } = await user.call('POST', `/sessions/${id}/tickets`);
  expect(status).toBe(201);
  return body.ticket;
};
const get = async (id: string, path: string, ticket: string, headers: Record<string, string> = {}) =>
  await request(`/api/v1/sessions/${id}${path}?ticket=${ticket}`, { headers });

describe('a ticket', () => {
  it('opens the log once', async () => {
    const scene = await ran();
    const ticket = await ticketOf(scene);
    expect((await get(scene.id, '/events', ticket)).status).toBe(200);
    expect((await get(scene.id, '/events', ticket)).body).toMatchObject({ status: 401, code: 'ticket_invalid' });
  });

  it('opens the WebSocket, which may what the token may', async () => {
    const scene = await ran();
    const { user, id, container } = scene;
    const reader = user.withToken({ claims: { scope: 'sessions:read' } });
    for (const [who, allowed] of [
      [user, true],
      [reader, false],
    ] as const) {
      const socket = await openByTicket(id, await ticketOf({ user: who, id }));
      socket.send({ type: 'prompt', prompt: 'over a ticket' });
      if (allowed) expect((await container.prompt()).prompt).toBe('over a ticket');
      else await socket.next((frame) => JSON.stringify(frame).includes('scope_missing'));
      socket.close();
    }
  });

  it('is of one session, of calls that a browser opens, and of no other', async () => {
    const scene = await ran();
    const other = await scene.user.createSession();
    const ticket = await ticketOf(scene);
    expect((await get(other, '/events', ticket)).body).toMatchObject({ code: 'ticket_invalid' });
    for (const path of ['', '/messages', '/turns', '/artifacts']) {
      expect((await get(scene.id, path, ticket)).body, path).toMatchObject({ code: 'token_missing' });
    }
    const write = { method: 'POST', body: '{}' };
    for (const path of ['/tickets', '/stop', '/chat']) {
      const refused = await request(`/api/v1/sessions/${scene.id}${path}?ticket=${ticket}`, write);
      expect(refused.body, path).toMatchObject({ code: 'token_missing' });
    }
    // It was not used up by what it does not open.
    expect((await get(scene.id, '/events', ticket)).status).toBe(200);
  });

  it('has no more rights than its token: scope, owner, time', async () => {
    const scene = await ran();
    const reader = scene.user.withToken({ claims: { scope: 'sessions:read' } });
    const ticket = await ticketOf({ ...scene, user: reader });
    expect((await get(scene.id, '/files/hello.txt', ticket)).body).toMatchObject({ code: 'scope_missing' });
    expect((await new User().call('POST', `/sessions/${scene.id}/tickets`)).status).toBe(404);
    const late = await ticketOf(scene);
    await runInDurableObject(sessionObject(scene.id), (_, { storage: { sql } }) =>
      sql.exec('UPDATE tickets SET expires = ?', Date.now() - 1),
    );
    expect((await get(scene.id, '/events', late)).body).toMatchObject({ code: 'ticket_invalid' });
  });

  it('is not stored itself, and not many wait', async () => {
    const scene = await ran();
    const first = await ticketOf(scene);
    await runInDurableObject(sessionObject(scene.id), (_, { storage: { sql } }) => {
      expect(JSON.stringify(sql.exec('SELECT * FROM tickets').toArray())).not.toContain(first);
    });
    for (let n = 1; n < 100; n += 1) await ticketOf(scene);
    const { status, body } = await scene.user.call('POST', `/sessions/${scene.id}/tickets`);
    expect(status).toBe(429);
    expect(body).toMatchObject({ code: 'tickets_limit_reached', detail: expect.stringContaining('30 s') });
  });

  it('stores nothing for a session that never was', async () => {
    const id = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';
    expect((await get(id, '/events', 'x')).body).toMatchObject({ code: 'ticket_invalid' });
    await runInDurableObject(sessionObject(id), (_, { storage: { sql } }) => {
      expect(sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray()).toEqual([]);
    });
  });
});
