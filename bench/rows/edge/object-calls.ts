import path from 'node:path';
import { stop as stopEsbuild } from 'esbuild';
import * as z from 'zod';
import { bundleWorker, bundleWrapper } from '../../../scripts/bundle.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { Service } from '../../../test/support/e2e/service.ts';

/**
 * How many calls a second one object answers in workerd on this machine, from one isolate: calls that read what it has in memory, and
 * calls that write a row. docs/scale.md compares what the simulation counts with it.
 *
 * `node bench/rows/edge/object-calls.ts [SECONDS]`
 */

const SECONDS = Number(process.argv[2] ?? 5);
const AT_ONCE = [1, 16, 64] as const;

const worker = await bundleWorker('bench/lib/workers/calls-worker.ts', path.join(PROJECT, 'build/calls/worker.mjs'));
await bundleWrapper();
await stopEsbuild();
const service = await Service.start({ backend: 'process', worker });
try {
  for (const kind of ['read', 'write'] as const)
    for (const atOnce of AT_ONCE) {
      const query = `kind=${kind}&ms=${SECONDS * 1000}&at_once=${atOnce}`;
      const answer = await fetch(`${service.url}/-/calls?${query}`);
      const answered = z.number().parse(await answer.json());
      console.log(`${kind.padEnd(6)} ${String(atOnce).padStart(3)} at once: ${Math.round(answered / SECONDS)} calls/s`);
    }
} finally {
  await service.stop();
}
