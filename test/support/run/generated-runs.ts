import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** How many inputs a property is tried with that says nothing else: see `vitest.config.ts`. */
    generatedRuns: number;
  }
}

/** All of them: `GENERATED_RUNS=2000`. */
const ALL_RUNS = 2_000;
/** From this part of them on, every property is tried with that part of its own number. */
const LEAST_PART = 1 / 4;

/**
 * How many generated inputs a property is tried with: `all` of them with `GENERATED_RUNS=2000`, a quarter in CI, and otherwise as
 * many fewer as all properties are tried with fewer, but no more than one that says nothing is.
 *
 * A property that says nothing is tried with `generatedRuns()`. Another number wants a reason beside it: more, because an issue
 * demands so many or because the case that breaks it is rare; fewer, because each of them takes a process, files or a second.
 */
export function generatedRuns(all: number = ALL_RUNS): number {
  const usual = inject('generatedRuns');
  if (usual >= ALL_RUNS * LEAST_PART) return Math.round(all * (usual / ALL_RUNS));
  return Math.ceil(usual * Math.min(1, all / ALL_RUNS));
}

/** Of what is dear, one in so many is tried unless all are. */
const DEAR = 20;

/**
 * As `generatedRuns`, of a property whose every input is a request through the whole edge, a dozen operations on the disk or a
 * connection that breaks: unless all are tried, no more than a twentieth. They took as long in CI as all others together.
 */
export const dearRuns = (all: number): number =>
  isWhole() ? all : Math.min(generatedRuns(all), Math.ceil(all / DEAR));

/** All inputs are tried, of every property: not in CI, and not at a desk. */
export const isWhole = (): boolean => inject('generatedRuns') >= ALL_RUNS;
