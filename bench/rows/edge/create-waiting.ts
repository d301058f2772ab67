import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createdSession } from '../../../protocol/api/session/session.ts';
import { isRefused } from '../../../start/lib/refused.ts';
import { EDGE, exactCpuMs, findAllBelow } from '../../lib/process-cost.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { startService, type Service } from '../../lib/service.ts';
import { SILENT_CLAUDE } from '../../lib/silent-claude.ts';
import { post } from '../../lib/stack-session.ts';
import { median, pairedRatio } from '../../lib/statistics.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * What a create costs where 25 sessions wait for a place, against one where nobody waits: two services side by side, each with one place,
 * which is taken. In turns, each creates a session, which then waits, and deletes it. Processor time is that of the edge from the call
 * on, with what it does after its answer, less what it takes in as long a time without a call.
 *
 * `node bench/rows/edge/create-waiting.ts [ROUNDS] [WAITING]`
 */

const ROUNDS = Number(process.argv[2] ?? 40);
const WAITING = Number(process.argv[3] ?? 25);
/** A create is over after so long, with all that follows it, milliseconds. */
const SETTLE_MS = 500;

/** A service, and its edge's process. */
interface Side {
  readonly service: Service;
  readonly edge: number;
  readonly wallMs: number[];
  readonly cpuMs: number[];
}

const ends: (() => Promise<void>)[] = [];

async function side(folder: string, claude: string, waiting: number): Promise<Side> {
  await mkdir(folder);
  const others = await findAllBelow(EDGE);
  const env = { MAX_SESSIONS_PER_USER: '1000', MAX_SESSIONS_PER_HOUR: '0' };
  const service = await startService({ backend: 'process', folder, claude, capacity: 1, env }, (stop) => {
    ends.unshift(stop);
  });
  if (isRefused(service)) throw new Error(service.refused);
  const edge = (await findAllBelow(EDGE)).find((pid) => !others.includes(pid));
  if (edge === undefined) throw new Error('its edge is not found');
  // The first one takes the place.
  for (let n = 0; n <= waiting; n += 1) await post(service, '/sessions', {}, createdSession);
  return { service, edge, wallMs: [], cpuMs: [] };
}

async function remove({ url, token }: Service, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/v1/sessions/${id}`, { method: 'DELETE', headers });
  if (!response.ok) throw new Error(`DELETE answered ${response.status}: ${await response.text()}`);
}

async function round({ service, edge, wallMs, cpuMs }: Side): Promise<void> {
  const before = await exactCpuMs(edge);
  await delay(SETTLE_MS);
  const began = await exactCpuMs(edge);
  const start = performance.now();
  const { session_id } = await post(service, '/sessions', {}, createdSession);
  wallMs.push(performance.now() - start);
  await delay(Math.max(0, start + SETTLE_MS - performance.now()));
  const after = await exactCpuMs(edge);
  cpuMs.push(after - began - (began - before));
  await remove(service, session_id);
  await delay(SETTLE_MS);
}

const ms = (all: readonly number[]): string => median(all).toFixed(1);

async function main(): Promise<void> {
  const scratch = await makeScratch();
  ends.push(scratch.remove);
  const claude = path.join(scratch.folder, 'claude');
  await writeFile(claude, SILENT_CLAUDE);
  await chmod(claude, 0o755);
  const first = await side(path.join(scratch.folder, 'first'), claude, 0);
  const crowded = await side(path.join(scratch.folder, 'crowded'), claude, WAITING);
  const sides = [first, crowded];
  for (const one of sides) for (let n = 0; n < 5; n += 1) await round(one);
  for (const one of sides) one.wallMs.length = one.cpuMs.length = 0;
  for (let n = 0; n < ROUNDS; n += 1) for (const one of n % 2 === 0 ? sides : sides.toReversed()) await round(one);
  const cpu = pairedRatio(crowded.cpuMs, first.cpuMs);
  const wall = pairedRatio(crowded.wallMs, first.wallMs);
  reportFigure('create.waiting.cpu', cpu);
  reportFigure('create.waiting', wall);
  console.log(`a create with ${WAITING} sessions waiting, against the first, ${ROUNDS} pairs:
  processor time ${cpu.toFixed(2)} × (${ms(first.cpuMs)} and ${ms(crowded.cpuMs)} ms), until it is answered ${wall.toFixed(2)} × (${ms(first.wallMs)} and ${ms(crowded.wallMs)} ms)`);
}

try {
  await main();
} finally {
  for (const end of ends) await end();
}
