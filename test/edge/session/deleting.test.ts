import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, it } from 'vitest';
import { Session } from '../../../durable/session/session.ts';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { sessionObject } from '../support/scene.ts';
import { tablesOf } from '../support/tables.ts';

beforeEach(emptyPool);

it('a deletion that was cut off after the owner’s list had let go of the session goes on by itself', async () => {
  const user = new User();
  const id = await user.createSession();
  // Until its list entry is sent, the object that lives beside the test's writes its record anew.
  const isQuiet = "SELECT json ->> '$.list.listed' = json ->> '$.list.changes' AS quiet FROM record";
  await expect
    .poll(() => runInDurableObject(sessionObject(id), (_, { storage: { sql } }) => sql.exec(isQuiet).one()))
    .toEqual({ quiet: 1 });
  await runInDurableObject(sessionObject(id), async (_, ctx) => {
    const { DIRECTORY } = env;
    const cutOff = (owner: DurableObjectId) => {
      const directory = DIRECTORY.get(owner);
      return {
        setBudget: () => undefined,
        descendants: () => [],
        update: () => null,
        remove: async (session: string) => {
          await directory.remove(session);
          throw new Error('cut off');
        },
      };
    };
    const broken = { idFromName: (name: string) => DIRECTORY.idFromName(name), get: cutOff };
    const session = new Session(ctx, { ...env, DIRECTORY: broken } as unknown as typeof env);
    await expect(session.delete(user.name)).rejects.toThrow('cut off');
  });
  expect((await user.call('GET', '/sessions')).body.data).toEqual([]);
  await runInDurableObject(sessionObject(id), async (_, ctx) => {
    expect(await ctx.storage.getAlarm()).not.toBeNull();
    expect(tablesOf(ctx.storage)).toContain('record');
    await new Session(ctx, env).alarm();
    expect(tablesOf(ctx.storage)).toEqual([]);
  });
});
