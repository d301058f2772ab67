import * as z from 'zod';

/** One run of `npm run chaos`, as a line of `docs/chaos-runs.jsonl`. */
const run = z.looseObject({
  kills: z.int().min(0),
  /** A count, or the sentences. */
  violations: z.union([z.int().min(0), z.array(z.unknown()).transform((all) => all.length)]),
});

/** What all runs come to. */
export function sumRuns(text: string): { runs: number; kills: number; violations: number } {
  const runs = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => run.parse(JSON.parse(line)));
  const sum = (of: 'kills' | 'violations') => runs.reduce((all, one) => all + one[of], 0);
  return { runs: runs.length, kills: sum('kills'), violations: sum('violations') };
}
