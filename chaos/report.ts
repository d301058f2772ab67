import { isKill, type FaultKind } from './plan.ts';
import type { RunResult } from './run.ts';
import { scheduleText } from './schedule.ts';

/** A run as `docs/chaos-runs.jsonl` keeps it, a line each. */
export interface RunLine {
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly seed: number;
  readonly backend: 'process' | 'docker';
  readonly kills: number;
  readonly breaks: number;
  /** How often each kind of fault has hit something. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly events: number;
  readonly messages: number;
  /** What was promised and not kept. */
  readonly violations: readonly string[];
  readonly seconds: number;
}

/** What is kept of a run. */
export function runLine(
  { seed, backend, date }: Pick<RunLine, 'seed' | 'backend' | 'date'>,
  { kills, schedule, events, messages, violations, seconds }: RunResult,
): RunLine {
  const breaks = schedule.length - kills;
  const faults = Object.fromEntries(hitsOf(schedule));
  return { date, seed, backend, kills, breaks, faults, events, messages, violations, seconds: Math.round(seconds) };
}

/** What has come of a run, for people; of one that broke a promise, with what makes the same faults again. @param again the command */
export function reportOf(again: string, result: RunResult): string {
  const { violations, schedule, ends, refused, events, messages, seconds } = result;
  const { kills } = result;
  return [
    '',
    `${kills} kills and ${schedule.length - kills} breaks in ${Math.round(seconds)} s: ${counts(hitsOf(schedule))}`,
    `${events} events; ${messages} messages: ${counts(ends)}; refused and asked again: ${counts(refused) || 'none'}`,
    ...(violations.length === 0
      ? ['Nothing was lost, doubled, reordered, run twice or left over.']
      : [
          ...violations.map((what) => `BROKEN  ${what}`),
          'The faults that were made:',
          scheduleText(schedule),
          `Again: ${again}`,
          'Or, with these lines in a file, of which some may be taken out: npm run chaos -- --replay FILE',
        ]),
  ].join('\n');
}

function hitsOf(schedule: RunResult['schedule']): Map<FaultKind, number> {
  const hits = new Map<FaultKind, number>();
  // Kills first.
  const sorted = [...schedule].sort((a, b) => Number(isKill(b.kind)) - Number(isKill(a.kind)));
  for (const { kind } of sorted) hits.set(kind, (hits.get(kind) ?? 0) + 1);
  return hits;
}

const counts = (all: ReadonlyMap<string, number>) => [...all].map(([name, times]) => `${times} ${name}`).join(', ');
