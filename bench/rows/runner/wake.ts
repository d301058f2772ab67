import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseArgs } from 'node:util';
import { bundleWorker, bundleWrapper } from '../../../scripts/bundle.ts';
import { connectEngine } from '../../../test/support/docker/engine.ts';
import { Service } from '../../../test/support/e2e/service.ts';
import type { Client } from '../../../test/support/e2e/client.ts';
import { sessionImage } from '../../lib/docker-image.ts';
import { median, pairedRatio } from '../../lib/statistics.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * The cost of parked sessions, and the time to wake one: from sending a message to its answer, against the same for a new
 * session. On the docker backend where an engine answers, otherwise on the process backend.
 *
 * `node bench/rows/runner/wake.ts [--sessions 100] [--rounds 11]`
 */

const GOAL = 1.3;
/** How many of the parked sessions are made at the same time. */
const AT_ONCE = 4;

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '100' }, rounds: { type: 'string', default: '11' } },
});
process.exitCode = await measure(Number(values.sessions), Number(values.rounds));

async function measure(sessions: number, rounds: number): Promise<number> {
  const image = await sessionImage((line) => console.error(`· ${line}`), new AbortController().signal);
  const backend = typeof image === 'string' ? 'docker' : 'process';
  await Promise.all([bundleWorker(), bundleWrapper()]);
  const service = await Service.start({
    backend,
    ...(typeof image === 'string' && { image, runnerEnv: { DOCKER_HOST: process.env['DOCKER_HOST'] } }),
    vars: { MAX_SESSIONS_PER_USER: '1000', RUNNER_LOST_AFTER: '600' },
  });
  try {
    const alice = await service.client('alice');
    const parked: string[] = [];
    while (parked.length < sessions) {
      const wave = Array.from({ length: Math.min(AT_ONCE, sessions - parked.length) }, () => parkedSession(alice));
      parked.push(...(await Promise.all(wave)));
    }
    console.log(`${sessions} parked sessions, ${backend} backend: ${await remains(backend, parked)}`);

    const cold: number[] = [];
    const woken: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const start = performance.now();
      const fresh = await alice.createSession();
      await alice.ask(fresh, 'hello');
      cold.push(performance.now() - start);
      await alice.park(fresh);
      const sleeper = parked[round % parked.length] ?? fresh;
      const sent = performance.now();
      await alice.ask(sleeper, 'hello again');
      woken.push(performance.now() - sent);
      await alice.park(sleeper);
    }
    const ratio = pairedRatio(woken, cold);
    reportFigure('wake', ratio);
    const met = ratio <= GOAL;
    console.log(
      `waking one: ${median(woken).toFixed(0)} ms, a new session ${median(cold).toFixed(0)} ms, median of ${rounds} pairs ` +
        `${ratio.toFixed(2)} × (goal ${GOAL}: ${met ? 'met' : 'missed'})`,
    );
    return met ? 0 : 1;
  } finally {
    await service.stop();
  }
}

async function parkedSession(alice: Client): Promise<string> {
  const id = await alice.createSession();
  await alice.ask(id, 'hello');
  await alice.park(id);
  return id;
}

/** What still exists of these sessions: containers, or processes. */
async function remains(backend: 'docker' | 'process', sessions: readonly string[]): Promise<string> {
  if (backend === 'docker') {
    const containers = await connectEngine(process.env['DOCKER_HOST']).listContainers({ all: true });
    const own = containers.filter(({ Labels }) => sessions.includes(Labels['cc-docker.session'] ?? ''));
    return `${own.length} containers`;
  }
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args'], { maxBuffer: 2 ** 26 });
  return `${stdout.split('\n').filter((line) => sessions.some((id) => line.includes(id))).length} processes`;
}
