import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import type { ProblemCode } from '../../protocol/api/problem.ts';
import type { AppEnv } from '../app-env.ts';

/** What is counted here goes to the gate together, at most once in this time, milliseconds. */
const FLUSH_MS = 1000;

let counted: Record<string, number> = {};
let flushed = 0;

async function countRefusal(c: Pick<Context<AppEnv>, 'env'>, code: ProblemCode): Promise<void> {
  const name = `cc_docker_refusals_total{code="${code}"}`;
  counted[name] = (counted[name] ?? 0) + 1;
  if (Date.now() >= flushed + FLUSH_MS) await flushCounters(c);
}

/** Counts the calls that are refused, by their code. */
export const withRefusalsCounted = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const code = c.get('refused');
  if (code === undefined) return;
  try {
    await countRefusal(c, code);
  } catch (error) {
    // The caller is refused all the same. What was counted goes with the next one.
    console.warn(`metrics: the gate cannot be told: ${String(error)}`);
  }
});

/** Has the gate add what was counted here. */
export async function flushCounters(c: Pick<Context<AppEnv>, 'env'>): Promise<void> {
  const added = counted;
  counted = {};
  flushed = Date.now();
  try {
    await gateStub(c.env).count(added);
  } catch (error) {
    for (const [name, more] of Object.entries(added)) counted[name] = (counted[name] ?? 0) + more;
    throw error;
  }
}
