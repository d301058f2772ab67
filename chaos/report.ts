import type { RunResult } from './run.ts';

/** What has come of a run, for people, with the command that makes the same faults again. */
export function reportOf(
  { seed, kills, sessions }: { readonly seed: number; readonly kills: number; readonly sessions: number },
  result: RunResult,
): string {
  const { violations, hits, ends, events, messages, seconds } = result;
  return [
    '',
    `${result.kills} kills and ${sum(hits) - result.kills} breaks in ${Math.round(seconds)} s: ${counts(hits)}`,
    `${events} events; ${messages} messages: ${counts(ends)}`,
    ...(violations.length === 0
      ? ['Nothing was lost, doubled, reordered, run twice or left over.']
      : [
          ...violations.map((what) => `BROKEN  ${what}`),
          `Again: npm run chaos -- --seed ${seed} --kills ${kills} --sessions ${sessions}`,
        ]),
  ].join('\n');
}

const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((all, one) => all + one, 0);

const counts = (all: ReadonlyMap<string, number>) => [...all].map(([name, times]) => `${times} ${name}`).join(', ');
