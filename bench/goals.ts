import type { LineSamples } from './rows/lines.ts';
import type { Part } from './options.ts';
import type { Samples } from './rows/rounds.ts';
import { pairedRatio, quantile } from './lib/statistics.ts';

/** What was measured. */
export interface Measured {
  samples: Samples;
  /** Absent: not measured in this run. */
  lines: LineSamples | undefined;
}

export interface Goal {
  part: Part;
  what: string;
  limit: number;
  unit: '×' | 'ms';
  /** Absent: not measured in this run. */
  measured: number | undefined;
  met: boolean;
}

/** The project's goals for these parts, and whether this run meets them. */
export function judge({ samples, lines }: Measured, parts: readonly Part[]): Goal[] {
  const { once, first, second } = samples;
  const all = lines === undefined ? [] : [...lines.previews, ...lines.stored];
  const goals = [
    goal('process', 'new session, process backend, against claude -p', 1.3, '×', pairedRatio(first.process, once)),
    goal('process', 'second turn, process backend, against raw', 1.25, '×', pairedRatio(second.process, second.raw)),
    goal('docker', 'second turn, docker backend, against raw', 1.25, '×', pairedRatio(second.docker, second.raw)),
    goal('line', 'line to client, p50', 3, 'ms', quantile(all, 0.5)),
    goal('line', 'line to client, p99', 15, 'ms', quantile(all, 0.99)),
  ];
  return goals.filter(({ part }) => parts.includes(part));
}

function goal(part: Part, what: string, limit: number, unit: Goal['unit'], measured: number): Goal {
  if (Number.isNaN(measured)) return { part, what, limit, unit, measured: undefined, met: false };
  return { part, what, limit, unit, measured, met: measured <= limit };
}
