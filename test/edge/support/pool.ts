import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { until } from '../../support/until.ts';

export const pool = (name = 'default') => env.RUNNER_POOL.get(env.RUNNER_POOL.idFromName(name));

/** Leaves the pool without runners: those of the test before would take this one's sessions. */
export async function emptyPool(): Promise<void> {
  await runInDurableObject(pool(), (_, ctx) => {
    for (const table of ['runners', 'places', 'copies', 'removals', 'cordons'])
      ctx.storage.sql.exec(`DELETE FROM ${table}`);
  });
  // It has read them into memory. What the test before has asked of it may not be answered yet, and holds it there.
  await until(() => evictDurableObject(pool(), { webSockets: 'close' }));
}
