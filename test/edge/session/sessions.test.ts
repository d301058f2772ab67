import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { request, User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeRunner } from '../support/runner.ts';
import { sessionObject } from '../support/scene.ts';
import { tablesOf } from '../support/tables.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

const UNKNOWN = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';

const tables = (id: string) => runInDurableObject(sessionObject(id), (_, { storage }) => tablesOf(storage));

describe('sessions', () => {
  it('answers a creation at once, with where its stream is', async () => {
    const user = new User();
    const seeds = { workspace: { type: 'ephemeral' }, config: { model: 'opus-4', timeout_seconds: 60 } };
    const { status, body } = await user.call('POST', '/sessions', seeds);
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'queued', container_id: null, created_at: expect.any(String) });
    expect(body.websocket_url).toBe(`ws://localhost/api/v1/sessions/${body.session_id}/stream`);
  });

  it('shows a session with its settings and why it waits', async () => {
    const user = new User();
    const id = await user.createSession({ model: 'sonnet-4', system_prompt: 'Be brief.' });
    const viewer = await user.open(id, '?after=0');
    await viewer.events(({ type, data }) => type === 'session.status' && data.reason !== null);
    const { status, body } = await user.call('GET', `/sessions/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ session_id: id, status: 'queued', total_turns: 0, total_cost_usd: 0, epoch: 1 });
    expect(body.config).toMatchObject({
      model: 'sonnet-4',
      system_prompt: 'Be brief.',
      allowed_tools: ['*'],
      max_turns: 100,
    });
    expect(body.reason).toMatchObject({ code: 'no_runner', detail: expect.stringContaining('npm run runner') });
  });

  it('lists the newest first, in pages by cursor and by offset, under both names', async () => {
    const user = new User();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await user.createSession());
    await expect.poll(async () => (await user.call('GET', '/sessions')).body.total).toBe(5);
    const first = (await user.call('GET', '/sessions?limit=2')).body;
    expect(first.data.map((row: { session_id: string }) => row.session_id)).toEqual(ids.slice(0, 2));
    expect(first.sessions).toEqual(first.data);
    expect(first).toMatchObject({ total: 5, limit: 2, offset: 0 });
    const second = (await user.call('GET', `/sessions?limit=2&cursor=${first.next_cursor}`)).body;
    expect(second.data.map((row: { session_id: string }) => row.session_id)).toEqual(ids.slice(2, 4));
    const last = (await user.call('GET', '/sessions?limit=2&offset=4')).body;
    expect(last.data.map((row: { session_id: string }) => row.session_id)).toEqual(ids.slice(4));
    expect(last.next_cursor).toBeNull();
  });

  it('lists by status', async () => {
    const user = new User();
    const id = await user.createSession();
    await user.createSession();
    await user.call('POST', `/sessions/${id}/stop`);
    await expect.poll(async () => (await user.call('GET', '/sessions?status=stopped')).body.data.length).toBe(1);
    expect((await user.call('GET', '/sessions?status=stopped')).body.data[0].session_id).toBe(id);
  });

  it('stops a session that waits for a place, and stopping it again changes nothing', async () => {
    const user = new User();
    const id = await user.createSession();
    const stopped = await user.call('POST', `/sessions/${id}/stop`);
    expect(stopped).toMatchObject({ status: 200, body: { session_id: id, status: 'stopped' } });
    const again = await user.call('POST', `/sessions/${id}/stop`);
    expect(again).toMatchObject({ status: 200, body: { status: 'stopped' } });
    const reasons = (await user.events(id)).filter(({ data }) => data['status'] === 'stopped');
    expect(reasons).toHaveLength(1);
  });

  it('deletes a session with all that it stored, and closes who watches it', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    const container = await runner.start(id);
    const viewer = await user.open(id, '?after=0');
    const stream = (await user.stream(id)).text();
    expect((await user.call('DELETE', `/sessions/${id}`)).status).toBe(204);
    expect((await viewer.closed()).code).toBe(4404);
    expect(await stream).toContain('event: session.ready');
    expect((await container.data.closed()).code).toBe(4404);
    expect((await runner.control.next(({ kind }) => kind === 'remove')).session_id).toBe(id);
    expect((await user.call('GET', `/sessions/${id}`)).body.code).toBe('session_not_found');
    expect((await user.call('GET', '/sessions')).body.data).toEqual([]);
    expect((await user.call('DELETE', `/sessions/${id}`)).status).toBe(404);
  });

  it('stores nothing of an id that no session has, nor of one that was deleted and hears of its container’s end', async () => {
    const user = new User();
    expect((await user.call('GET', `/sessions/${UNKNOWN}`)).status).toBe(404);
    expect(await tables(UNKNOWN)).toEqual([]);

    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    const container = await runner.start(id);
    expect(await tables(id)).toContain('record');
    expect((await user.call('DELETE', `/sessions/${id}`)).status).toBe(204);
    await evict(sessionObject(id));
    await runner.end(container, 'stopped_by_user');
    expect(await tables(id)).toEqual([]);
  });

  it('is to anyone but its owner as if it were not there', async () => {
    const [alice, bob] = [new User(), new User()];
    const id = await alice.createSession();
    const { body } = await alice.call('POST', `/sessions/${id}/chat`, { prompt: 'mine' });
    const tries = [
      ['GET', `/sessions/${id}`],
      ['DELETE', `/sessions/${id}`],
      ['POST', `/sessions/${id}/stop`],
      ['POST', `/sessions/${id}/interrupt`],
      ['POST', `/sessions/${id}/chat`, { prompt: 'yours' }],
      ['POST', `/sessions/${id}/chat`, { prompt: 'yours', stream: false }],
      ['GET', `/sessions/${id}/events`],
      ['GET', `/sessions/${id}/messages/${body.message_id}`],
    ] as const;
    for (const [method, path, sent] of tries) {
      const foreign = await bob.call(method, path, sent);
      const unknown = await bob.call(method, path.replace(id, UNKNOWN), sent);
      expect(foreign.status, `${method} ${path}`).toBe(404);
      expect(foreign.body).toEqual(unknown.body);
    }
    await expect(bob.open(id, '?after=0')).rejects.toThrow('404');
    expect((await bob.stream(id)).status).toBe(404);
    expect((await bob.call('GET', '/sessions')).body.total).toBe(0);
    expect((await alice.call('GET', `/sessions/${id}`)).status).toBe(200);
  });

  it('makes one session of two calls with the same Idempotency-Key', async () => {
    const user = new User();
    const key = { 'idempotency-key': 'deploy-17' };
    const [one, two] = await Promise.all([
      user.call('POST', '/sessions', { config: { model: 'opus' } }, key),
      user.call('POST', '/sessions', { config: { model: 'opus' } }, key),
    ]);
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(two.body.session_id).toBe(one.body.session_id);
    const other = await user.call('POST', '/sessions', { config: { model: 'haiku' } }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    const foreign = await new User().call('POST', '/sessions', { config: { model: 'haiku' } }, key);
    expect(foreign.status).toBe(201);
  });

  it('refuses more sessions than an owner may have, until one is stopped', async () => {
    const user = new User();
    const ids = await Promise.all(Array.from({ length: 10 }, () => user.createSession()));
    const refused = await user.call('POST', '/sessions', {});
    expect(refused).toMatchObject({ status: 429, body: { code: 'session_limit_reached' } });
    expect(refused.body.detail).toContain('MAX_SESSIONS_PER_USER');
    await user.call('POST', `/sessions/${ids[0]}/stop`);
    await expect.poll(async () => (await user.call('POST', '/sessions', {})).status).toBe(201);
  });
});

describe('the service', () => {
  it('tells anyone how it is', async () => {
    const { status, body } = await request('/health');
    expect(status).toBe(200);
    expect(body.parts.edge.ok).toBe(true);
    expect(['ok', 'degraded']).toContain(body.status);
  });
});
