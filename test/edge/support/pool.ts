import { env, runInDurableObject } from 'cloudflare:test';

export const pool = () => env.RUNNER_POOL.get(env.RUNNER_POOL.idFromName('default'));

/** Leaves the pool without runners: those of the test before would take this one's sessions. */
export async function emptyPool(): Promise<void> {
  await runInDurableObject(pool(), (_, ctx) => {
    for (const socket of ctx.getWebSockets()) socket.close(1000);
    for (const table of ['runners', 'places', 'copies', 'removals', 'cordons'])
      ctx.storage.sql.exec(`DELETE FROM ${table}`);
  });
}
