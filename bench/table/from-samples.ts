import { pairedRatio, quantile } from '../lib/statistics.ts';
import type { LineSamples } from '../rows/lines.ts';
import type { Samples } from '../rows/rounds.ts';
import type { FigureId } from './rows.ts';

/** What the parts measure that run in the bench's own process. */
export interface Measured {
  readonly samples: Samples;
  /** Absent: not measured in this run. */
  readonly lines: LineSamples | undefined;
}

/** The figures of the table that these samples give. What was not measured is left out. */
export function figuresOf({ samples, lines }: Measured): [FigureId, number][] {
  const { once, first, second } = samples;
  const all = lines === undefined ? [] : [...lines.previews, ...lines.stored];
  const figures: [FigureId, number][] = [
    ['new.process', pairedRatio(first.process, once)],
    ['new.docker', pairedRatio(first.docker, once)],
    ['second.process', pairedRatio(second.process, second.raw)],
    ['second.docker', pairedRatio(second.docker, second.raw)],
    ['line.p50', quantile(all, 0.5)],
    ['line.p99', quantile(all, 0.99)],
  ];
  return figures.filter(([, value]) => !Number.isNaN(value));
}
