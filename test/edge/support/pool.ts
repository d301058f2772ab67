import { env, runInDurableObject } from 'cloudflare:test';
import { evict } from './setup/evict.ts';

export const pool = (name = 'default') => env.RUNNER_POOL.get(env.RUNNER_POOL.idFromName(name));

/** Leaves the pool without runners: those of the test before would take this one's sessions. */
export async function emptyPool(): Promise<void> {
  await runInDurableObject(pool(), (_, ctx) => {
    for (const table of ['runners', 'places', 'copies', 'removals', 'cordons'])
      ctx.storage.sql.exec(`DELETE FROM ${table}`);
  });
  // It has read them into memory.
  await evict(pool(), { webSockets: 'close' });
}
