import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, it } from 'vitest';
import { emptyPool } from '../support/pool.ts';
import { sessionObject } from '../support/scene.ts';
import { User } from '../support/api.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

it('a session that a newer version has stored is refused with a sentence, and changes nothing', async () => {
  const user = new User();
  const { session_id } = (await user.call('POST', '/sessions', {})).body;
  const object = sessionObject(session_id);
  await runInDurableObject(object, (_, { storage: { sql } }) => sql.exec('UPDATE schema_version SET version = 99'));
  await evict(object);
  const { status, body } = await user.call('GET', `/sessions/${session_id}`);
  expect(status).toBe(500);
  expect(body).toMatchObject({
    code: 'state_too_new',
    detail: expect.stringMatching(/^This session was stored by a newer version of CC-Docker \(state 99; .*Start that/),
  });
});

it.each([
  ['pool', env.RUNNER_POOL.get(env.RUNNER_POOL.idFromName('of a newer version')), 'health'],
  ['directory', env.DIRECTORY.get(env.DIRECTORY.idFromName('of a newer version')), 'storageUsage'],
  ['Discord desk', env.DISCORD.get(env.DISCORD.idFromName('of a newer version')), 'linked'],
] as const)('a %s that a newer version has stored answers nothing', async (of, object, method) => {
  const ask = async (): Promise<unknown> => {
    if (method === 'linked') return await object.linked('alice');
    return method === 'health' ? await object.health() : await object.storageUsage();
  };
  await ask();
  await runInDurableObject(object, (_, { storage: { sql } }) => {
    expect(sql.exec('SELECT count(*) AS rows FROM schema_version').one()).toEqual({ rows: 1 });
    sql.exec('UPDATE schema_version SET version = 99');
  });
  await evict(object);
  await expect(ask()).rejects.toThrow(`state_too_new: This ${of} was stored by a newer version`);
});
