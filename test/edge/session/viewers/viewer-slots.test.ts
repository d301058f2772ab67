import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { User } from '../../support/api.ts';
import { directoryObject } from '../../support/directory.ts';
import { emptyPool } from '../../support/pool.ts';
import { sessionObject } from '../../support/scene.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

/** The slots that the owner's directory has given to sessions. */
const slots = (user: User) =>
  runInDurableObject(directoryObject(user), (_, { storage: { sql } }) =>
    sql.exec<{ slots: number; until: number }>('SELECT slots, until FROM viewer_slots').toArray(),
  );

/** Has the session's alarm come after so many seconds. */
async function alarmAfter(id: string, seconds: number): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
  await runDurableObjectAlarm(sessionObject(id));
}

it('slots are renewed while somebody watches, reported anew after a restart, and given back once nobody does', async () => {
  const user = new User();
  const id = await user.createSession();
  const watching = [await user.open(id, '?after=0'), await user.open(id, '?after=0')];
  const [first] = await slots(user);
  expect(first?.slots).toBe(4);
  await alarmAfter(id, 61);
  await expect.poll(async () => (await slots(user))[0]?.until).toBeGreaterThan((first?.until ?? 0) + 50_000);

  await runInDurableObject(directoryObject(user), (_, { storage: { sql } }) => sql.exec('DELETE FROM viewer_slots'));
  await evict(sessionObject(id));
  await alarmAfter(id, 31);
  await expect.poll(async () => (await slots(user)).map(({ slots: held }) => held)).toEqual([4]);

  for (const socket of watching) socket.close();
  await Promise.all(watching.map((socket) => socket.closed()));
  await expect.poll(() => slots(user)).toEqual([]);
});

it('slots of a session that is deleted are free', async () => {
  const user = new User();
  const id = await user.createSession();
  await user.open(id, '?after=0');
  expect(await slots(user)).toHaveLength(1);
  await user.call('DELETE', `/sessions/${id}`);
  expect(await slots(user)).toEqual([]);
});
