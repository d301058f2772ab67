import { parseArgs } from 'node:util';
import { bundleWorker, bundleWrapper } from '../../scripts/bundle.ts';
import { Service } from '../../test/support/e2e/service.ts';
import type { Client } from '../../test/support/e2e/client.ts';
import { sessionImage } from '../lib/docker-image.ts';
import { median, pairedRatio } from '../lib/statistics.ts';
import { reportFigure } from '../table/figures.ts';

/**
 * The time of a new session until its first answer: from an environment whose image is there, against one without an environment.
 * In pairs, each time the other one first. It needs a Docker engine.
 *
 * `node bench/rows/environment.ts [--rounds 21]`
 */

const GOAL = 1.05;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '21' } } });
process.exitCode = await measure(Number(values.rounds));

async function measure(rounds: number): Promise<number> {
  const image = await sessionImage((line) => console.error(`· ${line}`), new AbortController().signal);
  if (typeof image !== 'string') throw new Error('there is no Docker engine');
  await Promise.all([bundleWorker(), bundleWrapper()]);
  const service = await Service.start({
    backend: 'docker',
    image,
    runnerEnv: { DOCKER_HOST: process.env['DOCKER_HOST'] },
    vars: { MAX_SESSIONS_PER_USER: '1000' },
  });
  try {
    const alice = await service.client('alice');
    await alice.call('PUT', '/environments/tools', { setup: 'echo tools > /etc/tools' });
    // One of each that does not count: the first of them builds.
    await started(alice, { environment: 'tools' });
    await started(alice, {});
    const bare: number[] = [];
    const cached: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const both = [
        async () => void bare.push(await started(alice, {})),
        async () => void cached.push(await started(alice, { environment: 'tools' })),
      ];
      for (const one of round % 2 === 0 ? both : both.toReversed()) await one();
    }
    const ratio = pairedRatio(cached, bare);
    reportFigure('environment', ratio);
    const met = ratio <= GOAL;
    console.log(
      `a session from a cached environment: ${median(cached).toFixed(0)} ms, from none ${median(bare).toFixed(0)} ms, ` +
        `median of ${rounds} pairs ${ratio.toFixed(3)} × (goal ${GOAL}: ${met ? 'met' : 'missed'})`,
    );
    return met ? 0 : 1;
  } finally {
    await service.stop();
  }
}

/** From the creation of a session to its first answer, milliseconds. */
async function started(alice: Client, config: object): Promise<number> {
  const begun = performance.now();
  const id = await alice.createSession(config);
  const { status } = await alice.ask(id, 'hello');
  const took = performance.now() - begun;
  if (status !== 'completed') throw new Error(`the message is ${status}`);
  await alice.call('DELETE', `/sessions/${id}`);
  return took;
}
