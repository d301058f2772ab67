import * as z from 'zod';
import { ALL_KINDS, type Fault } from './plan.ts';

const fault = z.strictObject({
  kind: z.enum(ALL_KINDS),
  afterEvents: z.int().min(0),
  pick: z.number().min(0).lt(1),
  lastsMs: z.int().min(0),
});

/** The faults as lines of text, one a line. */
export function scheduleText(faults: readonly Fault[]): string {
  return faults.map((one) => JSON.stringify(one)).join('\n');
}

/**
 * The faults of such a text. Every line that is no object is passed over, so what a run has printed can be given back as it is.
 *
 * @throws when a line is none of ours
 */
export function parseSchedule(text: string): Fault[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => fault.parse(JSON.parse(line)));
}
