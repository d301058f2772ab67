import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { RunnerChange, RunnerOfPool } from '../../durable/rpc/pool-rpc.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { runnerList, runnerView, type RunnerView } from '../../protocol/api/runners.ts';
import type { AppEnv } from '../app-env.ts';
import { securedFor } from '../auth/authorise.ts';
import { json, refusals } from '../contract.ts';
import { record } from '../gate/audit.ts';
import { poolsOf } from '../objects.ts';
import { refuse } from '../refuse.ts';

const list = createRoute({
  method: 'get',
  path: '/runners',
  operationId: 'listRunners',
  tags: ['Administration'],
  summary: 'The runners: what each is and has, its state, and when it was last seen',
  ...securedFor('owner', 'admin'),
  responses: { 200: json('All runners, by name', runnerList), ...refusals() },
});

const params = z.object({ name: z.string().min(1).max(256) });

const change = (name: RunnerChange, summary: string) =>
  createRoute({
    method: 'post',
    path: `/runners/{name}/${name}`,
    operationId: `${name}Runner`,
    tags: ['Administration'],
    summary,
    ...securedFor('owner', 'admin'),
    request: { params },
    responses: { 200: json('The runner as it is now', runnerView), ...refusals('runner_not_found', 'runner_outdated') },
  });

const CHANGES = [
  {
    route: change('cordon', 'The runner takes no sessions any more; what runs there goes on. Kept over restarts'),
    change: 'cordon',
    action: 'runner.cordoned',
  },
  {
    route: change('uncordon', 'The runner takes sessions again, after `cordon` or `drain`'),
    change: 'uncordon',
    action: 'runner.uncordoned',
  },
  {
    route: change('drain', 'As `cordon`, and its sessions leave: idle ones at once, the others after their turn'),
    change: 'drain',
    action: 'runner.drained',
  },
] as const;

const inPool = (runner: RunnerOfPool, pool: string): RunnerView => ({ ...runner, pool });

type Pools = Parameters<typeof poolsOf>[0];

/** Changes a runner in whichever pool it is. */
async function changeRunner(c: Pools, name: string, change: RunnerChange): Promise<RunnerView | Refusal> {
  for (const { name: pool, pool: stub } of poolsOf(c)) {
    const answer = await stub.changeRunner(name, change);
    if (!('refused' in answer)) return inPool(answer, pool);
    if (answer.refused !== 'runner_not_found') return answer;
  }
  const detail = `No runner named "${name}" has enrolled. \`GET /api/v1/runners\` lists them.`;
  return { refused: 'runner_not_found', detail };
}

/** For who runs the service: the runners, and taking one out of service. */
export function addRunners(app: OpenAPIHono<AppEnv>): void {
  app.openapi(list, async (c) => {
    const each = await Promise.all(
      poolsOf(c).map(async ({ name, pool }) => (await pool.runners()).map((runner) => inPool(runner, name))),
    );
    const data = each.flat().toSorted((a, b) => a.name.localeCompare(b.name));
    return c.json({ data, next_cursor: null }, 200);
  });

  for (const { route, change, action } of CHANGES) {
    app.openapi(route, async (c) => {
      const { name } = c.req.valid('param');
      const changed = await changeRunner(c, name, change);
      if ('refused' in changed) return refuse(c, changed);
      await record(c, action, name);
      return c.json(changed, 200);
    });
  }
}
