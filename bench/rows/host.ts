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

const found = z.looseObject({
  host: z.looseObject({ live: z.int(), parked: z.int() }),
});

const scratch = await makeScratch();
try {
  const json = path.join(scratch.folder, 'host.json');
  process.exitCode = await hostMain([...process.argv.slice(2), '--json', json]);
  if (process.exitCode === 0) {
    const { host } = found.parse(JSON.parse(await readFile(json, 'utf8')));
    reportFigure('host.live', host.live);
    reportFigure('host.parked', host.parked);
  }
} finally {
  await scratch.remove();
}
