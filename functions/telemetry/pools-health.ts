import type { Context } from 'hono';
import type { PoolHealth } from '../../protocol/health.ts';
import type { Counts } from '../../protocol/metrics/registry.ts';
import { DEFAULT_POOL } from '../../protocol/settings/pools-setting.ts';
import type { AppEnv } from '../app-env.ts';
import { poolsOf } from '../objects.ts';

type C = Pick<Context<AppEnv>, 'env' | 'get'>;

/** How all pools are, as one. `ok`: in some pool a session can start. */
export async function poolsHealth(c: C): Promise<PoolHealth> {
  const each = await Promise.all(poolsOf(c).map(async ({ name, pool }) => ({ name, health: await pool.health() })));
  return {
    ok: each.some(({ health }) => health.ok),
    runners: each.flatMap(({ name: pool, health }) =>
      health.runners.map((runner) => (pool === DEFAULT_POOL ? runner : { ...runner, pool })),
    ),
    waiting: each.reduce((all, { health }) => all + health.waiting, 0),
  };
}

/** What the runners of all pools have counted, by their names: a name is in one pool alone. */
export async function runnersMetrics(c: C): Promise<Record<string, Counts>> {
  const each = await Promise.all(poolsOf(c).map(async ({ pool }) => ({ counts: await pool.runnerMetrics() })));
  return Object.fromEntries(each.flatMap(({ counts }) => Object.entries(counts)));
}
