import { Hono } from 'hono';
import { poolStub } from '../../../durable/rpc/edge-env.ts';
import type { WorkerEnv } from '../../../functions/app-env.ts';
import { createApp } from '../../../functions/app.ts';

/** The Worker, with a way to have one object called as often as it can be: `GET /-/calls`. */
export * from '../../../worker.ts';

const poolOf = (env: WorkerEnv['Bindings']) => poolStub(env, 'bench');

/** What is asked of a pool: something that it reads, or something that it writes a row for. */
const CALLS: Readonly<Record<string, (pool: ReturnType<typeof poolOf>, n: number) => Promise<unknown>>> = {
  read: async (pool) => await pool.runnerKey('nobody'),
  write: async (pool, n) => await pool.claimRunnerName(`bench-${n}`, 'bench'),
};

const app = new Hono<WorkerEnv>();
// How many calls one object has answered in this time.
app.get('/-/calls', async (c) => {
  const { kind = '', ms, at_once: atOnce } = c.req.query();
  const call = CALLS[kind];
  if (call === undefined) throw new Error(`there is no call ${kind}`);
  const pool = poolOf(c.env);
  const end = Date.now() + Number(ms);
  let begun = 0;
  let answered = 0;
  const callers = Array.from({ length: Number(atOnce) }, async () => {
    while (Date.now() < end) {
      await call(pool, (begun += 1));
      answered += 1;
    }
  });
  await Promise.all(callers);
  return c.json(answered);
});
app.mount('/', createApp().fetch);

export default { fetch: app.fetch };
