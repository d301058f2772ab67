import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { hostMain } from '../host/main.ts';
import { makeScratch } from '../lib/scratch.ts';
import { reportFigure } from '../table/figures.ts';

/**
 * A day on this host (docs/scale.md). Its figures count only if nothing went wrong: every message was answered, and nothing was left over.
 *
 * `node bench/rows/host.ts [as npm run simulate -- --host]`
 */

const wait = z.looseObject({ p50: z.number(), p99: z.number() });
const found = z.looseObject({
  host: z.looseObject({
    live: z.int(),
    parked: z.int(),
    baseMb: z.number(),
    perLiveMb: z.number(),
    starts: z.looseObject({ most: z.number() }),
    diskKb: z.number(),
  }),
  waits: z.looseObject({ place: wait, ready: wait }),
});

const scratch = await makeScratch();
try {
  const json = path.join(scratch.folder, 'host.json');
  process.exitCode = await hostMain([...process.argv.slice(2), '--json', json]);
  if (process.exitCode === 0) {
    const { host, waits } = found.parse(JSON.parse(await readFile(json, 'utf8')));
    reportFigure('host.live', host.live);
    reportFigure('host.parked', host.parked);
    reportFigure('host.starts', host.starts.most);
    reportFigure('host.base', host.baseMb);
    reportFigure('host.session', host.perLiveMb);
    reportFigure('host.place.p50', waits.place.p50);
    reportFigure('host.place.p99', waits.place.p99);
    reportFigure('host.ready.p50', waits.ready.p50);
    reportFigure('host.ready.p99', waits.ready.p99);
    reportFigure('host.disk', host.diskKb);
  }
} finally {
  await scratch.remove();
}
