import * as z from 'zod';

/** One run of `npm run chaos`, as a line of `docs/chaos-runs.jsonl` (`chaos/report.ts`). */
const run = z.looseObject({
  seed: z.int(),
  backend: z.string(),
  kills: z.int().min(0),
  violations: z.array(z.string()),
});

/** What all runs come to. */
interface ChaosTotal {
  readonly runs: number;
  readonly kills: number;
  /** What was promised and not kept, in all runs. */
  readonly found: number;
  /** The same, of the last run of each seed: what was found is mended when its seed runs without it. */
  readonly open: number;
}

export function sumRuns(text: string): ChaosTotal {
  const runs = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => run.parse(JSON.parse(line)));
  const last = new Map(runs.map((one) => [`${one.backend} ${one.seed}`, one]));
  return {
    runs: runs.length,
    kills: runs.reduce((sum, { kills }) => sum + kills, 0),
    found: violationsOf(runs),
    open: violationsOf([...last.values()]),
  };
}

const violationsOf = (runs: readonly z.infer<typeof run>[]): number =>
  runs.reduce((sum, { violations }) => sum + violations.length, 0);
