import type { Context } from 'hono';
import type * as z from 'zod';
import { diskOf } from '../../durable/rpc/edge-disk.ts';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import type { EdgeDisk, PoolHealth, health } from '../../protocol/health.ts';
import { VERSION } from '../../protocol/version.ts';
import type { AppEnv } from '../app-env.ts';
import { poolsHealth } from './pools-health.ts';

/** How long a part may take to say how it is, milliseconds. */
const WITHIN_MS = 2000;

export type Health = z.infer<typeof health>;

/** A part's answer, or why there is none. */
type Asked<T> = { readonly answer: T } | { readonly fault: string };

/** Asks each part how it is. Never waits for longer than `WITHIN_MS`. */
export async function serviceHealth(c: Pick<Context<AppEnv>, 'env' | 'get'>): Promise<Health> {
  const { env } = c;
  const [state, pool, disk] = await Promise.all([
    inTime('the state', () => gateStub(env).probe()),
    inTime('the pool of runners', () => poolsHealth(c)),
    inTime('the disk', () => diskOf(env)),
  ]);
  const edge = edgeOf(state, disk);
  const runners = poolOf(pool);
  return {
    status: statusOf(edge, runners, disk),
    version: VERSION,
    time: new Date().toISOString(),
    parts: { edge, pool: runners },
  };
}

/** Why no session could start; none: one could. (Where all places are taken, it waits for one, and is not lost.) */
export function unreadyReasons({ parts: { edge, pool } }: Health): string[] {
  const reasons: string[] = [];
  if (!edge.ok) reasons.push(edge.detail ?? 'the state cannot be written');
  if (edge.disk?.low === true)
    reasons.push(`the edge’s disk has ${edge.disk.free_mb} MB free, less than ${edge.disk.floor_mb} (DISK_FLOOR_MB)`);
  if (pool.detail !== undefined) reasons.push(pool.detail);
  else if (pool.runners.length === 0) reasons.push('no runner is connected');
  else if (
    !pool.runners.some(({ ok, draining, cordoned, disk }) => ok && !draining && cordoned !== true && disk?.low !== true)
  )
    reasons.push(`no runner takes sessions: ${pool.runners.map(troubleOf).join('; ')}`);
  return reasons;
}

function troubleOf({ name, ok, detail, draining, cordoned, disk }: PoolHealth['runners'][number]): string {
  if (!ok) return `${name}: ${detail}`;
  if (cordoned === true) return `${name} is cordoned`;
  return draining ? `${name} is draining` : `${name}’s disk has ${disk?.free_mb ?? 0} MB free`;
}

function edgeOf(state: Asked<void>, disk: Asked<EdgeDisk | null>): Health['parts']['edge'] {
  const faults = [state, disk].flatMap((one) => ('fault' in one ? [one.fault] : []));
  return {
    ok: faults.length === 0,
    ...(faults.length > 0 && { detail: faults.join('; ') }),
    ...('answer' in disk && disk.answer !== null && { disk: disk.answer }),
  };
}

const poolOf = (pool: Asked<PoolHealth>): PoolHealth =>
  'answer' in pool ? pool.answer : { ok: false, detail: pool.fault, runners: [], waiting: 0 };

/** `failing`: an edge that is started anew may do better. What a full disk refuses, it would refuse as well. */
function statusOf(edge: Health['parts']['edge'], pool: PoolHealth, disk: Asked<EdgeDisk | null>): Health['status'] {
  const isFull = 'answer' in disk && disk.answer?.low === true;
  if (!isFull && (!edge.ok || pool.detail !== undefined)) return 'failing';
  return edge.ok && pool.ok && !isFull ? 'ok' : 'degraded';
}

async function inTime<T>(part: string, ask: () => Promise<T>): Promise<Asked<T>> {
  const { promise: late, resolve } = Promise.withResolvers<Asked<T>>();
  const timer = setTimeout(() => resolve({ fault: `${part} did not answer within ${WITHIN_MS} ms` }), WITHIN_MS);
  const asked = (async () => ({ answer: await ask() }))();
  try {
    return await Promise.race([asked.catch((error: unknown) => faultOf(part, error)), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Everybody may read it, so the error's own words go to the log. */
function faultOf(part: string, error: unknown): { readonly fault: string } {
  console.error(`health: ${part}: ${String(error)}`);
  return { fault: `${part} cannot be had; the edge’s log says why` };
}
