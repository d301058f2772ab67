import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PROJECT } from '../../start/lib/project.ts';
import { reportFigure } from '../table/figures.ts';
import { sumRuns } from '../table/chaos-runs.ts';

/**
 * The kills of all runs of `npm run chaos` that were written down, and what was found wrong in them. It kills nothing itself.
 *
 * `node bench/rows/kills.ts`
 */

const { runs, kills, found, open } = sumRuns(await readFile(path.join(PROJECT, 'docs', 'chaos-runs.jsonl'), 'utf8'));
console.log(
  `  ${runs} runs: ${kills} kills; lost, doubled, run twice or left over: ${found} found, ${open} not mended`,
);
reportFigure('kills', kills);
reportFigure('kills.lost', open);
