import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** How many inputs a property is tried with that says nothing else: see `vitest.config.ts`. */
    generatedRuns: number;
  }
}

/** As many as in CI. */
const CI_RUNS = 2_000;

/**
 * How many generated inputs a property is tried with: `inCi` of them in CI, and otherwise as many fewer as all properties are
 * tried with fewer, but no more than one that says nothing is.
 *
 * A property that says nothing is tried with `generatedRuns()`. Another number wants a reason beside it: more, because an issue
 * demands so many or because the case that breaks it is rare; fewer, because each of them takes a process, files or a second.
 */
export function generatedRuns(inCi: number = CI_RUNS): number {
  const usual = inject('generatedRuns');
  if (usual >= CI_RUNS) return Math.round(inCi * (usual / CI_RUNS));
  return Math.ceil(usual * Math.min(1, inCi / CI_RUNS));
}
