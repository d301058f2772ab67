import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { createSessionRequest } from '../../../protocol/api/session/session.ts';
import { User } from '../support/api.ts';
import { directoryObject, toVersion4, withSettings } from '../support/directory.ts';
import { emptyPool } from '../support/pool.ts';
import { sessionObject } from '../support/scene.ts';
import type { Directory } from '../../../durable/directory/directory.ts';

beforeEach(emptyPool);

const HOUR_MS = 3_600_000;

const create = (directory: Directory, owner: User, key?: string) =>
  directory.create({
    session_id: crypto.randomUUID(),
    owner: owner.name,
    request: createSessionRequest.parse({}),
    idempotency_key: key,
  });

const spawn = (directory: Directory, owner: User, parent: string) =>
  directory.spawn({
    session_id: crypto.randomUUID(),
    owner: owner.name,
    request: createSessionRequest.parse({}),
    idempotency_key: undefined,
    child: { parent, title: null, message_id: crypto.randomUUID(), webhook: null, inherits: null },
    prompt: 'go',
    asked: '',
  });

describe('an owner’s sessions', () => {
  it('are no more than MAX_STORED_SESSIONS_PER_USER, parked ones and children included, until one is deleted', async () => {
    const user = new User();
    const id = await user.createSession();
    await user.call('POST', `/sessions/${id}/stop`);
    const child = await withSettings(user, { MAX_STORED_SESSIONS_PER_USER: '2' }, async (directory) => {
      const spawned = await spawn(directory, user, id);
      if ('refused' in spawned) throw new Error(spawned.detail);
      const refused = {
        refused: 'session_limit_reached',
        detail: expect.stringContaining('MAX_STORED_SESSIONS_PER_USER'),
      };
      expect(await create(directory, user)).toMatchObject(refused);
      expect(await spawn(directory, user, id)).toMatchObject(refused);
      // A call that is to take a snapshot first is refused before.
      expect(directory.spawnRefusal(id)).toMatchObject(refused);
      return spawned.view.session_id;
    });
    await user.call('DELETE', `/sessions/${child}`);
    await withSettings(user, { MAX_STORED_SESSIONS_PER_USER: '2' }, async (directory) => {
      expect(await create(directory, user)).toMatchObject({ status: 'queued' });
    });
  });

  it('are created no faster than MAX_SESSIONS_PER_HOUR, deleted ones counted; the refusal says when the next may come', async () => {
    const user = new User();
    const settings = { MAX_SESSIONS_PER_HOUR: '3' };
    const first = await user.createSession();
    await user.createSession();
    await user.call('DELETE', `/sessions/${first}`);
    await withSettings(user, settings, async (directory, sql) => {
      const third = await create(directory, user, 'third');
      expect(third).toMatchObject({ status: 'queued' });
      // A minute ago, half an hour ago, and 59 minutes ago.
      const times = [60_000, HOUR_MS / 2, HOUR_MS - 60_000].map((ago) => Date.now() - ago);
      sql.exec('DELETE FROM creation_times');
      for (const at of times) sql.exec('INSERT INTO creation_times (at) VALUES (?)', at);
      const refused = await create(directory, user);
      expect(refused).toMatchObject({
        refused: 'session_rate_reached',
        detail: expect.stringContaining('MAX_SESSIONS_PER_HOUR'),
        retry_after_seconds: expect.toSatisfy((after: number) => after > 55 && after <= 60),
      });
      // The same call again is no new session.
      expect(await create(directory, user, 'third')).toEqual(third);
      sql.exec('UPDATE creation_times SET at = at - 60000 WHERE at = (SELECT min(at) FROM creation_times)');
      expect(await create(directory, user)).toMatchObject({ status: 'queued' });
      expect(await create(directory, user)).toMatchObject({ refused: 'session_rate_reached' });
    });
  });

  it('are unlimited where a bound is 0', async () => {
    const user = new User();
    const settings = { MAX_SESSIONS_PER_HOUR: '0', MAX_STORED_SESSIONS_PER_USER: '0' };
    await withSettings(user, settings, async (directory) => {
      for (let n = 0; n < 5; n += 1) expect(await create(directory, user)).toMatchObject({ status: 'queued' });
    });
  });

  it('that may not be created now are refused over HTTP with the time in Retry-After', async () => {
    const user = new User();
    await user.createSession();
    await runInDurableObject(directoryObject(user), (_, { storage: { sql } }) => {
      const insert = 'INSERT INTO creation_times (at) VALUES (?)';
      for (let n = 1; n < 1000; n += 1) sql.exec(insert, Date.now() - HOUR_MS / 2);
    });
    const { status, headers, body } = await user.call('POST', '/sessions', {});
    expect({ status, code: body.code }).toEqual({ status: 429, code: 'session_rate_reached' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(1790);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(1800);
  });
});

const DAY_MS = 24 * HOUR_MS;

describe('an idempotency key', () => {
  it('of a session may be used anew after a day, and old ones are deleted', async () => {
    const user = new User();
    const key = { 'idempotency-key': 'nightly' };
    const first = await user.call('POST', '/sessions', {}, key);
    const age = (ms: number) =>
      runInDurableObject(directoryObject(user), (_, { storage: { sql } }) =>
        sql.exec('UPDATE session_keys SET made = made - ?', ms),
      );
    await age(DAY_MS - 60_000);
    expect((await user.call('POST', '/sessions', {}, key)).body).toEqual(first.body);
    await age(60_000);
    const other = await user.call('POST', '/sessions', { config: { system_prompt: 'Another night.' } }, key);
    expect(other.status).toBe(201);
    expect(other.body.session_id).not.toBe(first.body.session_id);
    await age(DAY_MS);
    await user.call('POST', '/sessions', {}, { 'idempotency-key': 'another' });
    const left = await runInDurableObject(directoryObject(user), (_, { storage: { sql } }) =>
      sql.exec('SELECT key FROM session_keys').toArray(),
    );
    expect(left).toEqual([{ key: 'another' }]);
  });

  it('of a message may be used anew after a day, and old ones are deleted', async () => {
    const user = new User();
    const id = await user.createSession();
    const chat = async (prompt: string, key: string) =>
      (await user.call('POST', `/sessions/${id}/chat`, { prompt }, { 'idempotency-key': key })).body;
    const first = await chat('one', 'k');
    expect(await chat('one', 'k')).toEqual(first);
    expect(await chat('two', 'k')).toMatchObject({ code: 'idempotency_key_reused' });
    const keys = (change: string) =>
      runInDurableObject(sessionObject(id), (_, { storage: { sql } }) => sql.exec(change).toArray());
    await keys(`UPDATE message_keys SET made = made - ${DAY_MS}`);
    expect((await chat('two', 'k')).message_id).toMatch(/^[0-9a-f-]{36}$/);
    await keys(`UPDATE message_keys SET made = made - ${DAY_MS}`);
    await chat('three', 'l');
    expect(await keys('SELECT key FROM message_keys')).toEqual([{ key: 'l' }]);
  });
});

describe('keys of an earlier version', () => {
  it('get their day, beginning with the upgrade', async () => {
    const user = new User();
    const body = JSON.stringify(createSessionRequest.parse({}));
    await runInDurableObject(directoryObject(user), (_, { storage: { sql } }) => {
      toVersion4(sql);
      sql.exec('DROP TABLE session_keys');
      sql.exec('CREATE TABLE session_keys (key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID');
      sql.exec('INSERT INTO session_keys (key, id, body) VALUES (?, ?, ?)', 'old', 'x', body);
      sql.exec('UPDATE schema_version SET version = 3');
    });
    const before = Date.now();
    await withSettings(user, {}, (_, sql) => {
      const { made } = sql.exec<{ made: number }>('SELECT made FROM session_keys').one();
      expect(made).toBeGreaterThanOrEqual(before);
      expect(sql.exec('SELECT version FROM schema_version').one()).toEqual({ version: 5 });
    });
  });
});
