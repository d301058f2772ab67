import { parseCLI, startVitest } from 'vitest/node';
import { OutcomeReporter, type Outcome } from '../outcome.ts';

/** Projects that run one after the other, side by side with those of other lanes. */
export interface Lane {
  readonly projects: string[];
  /** How many files at once. */
  readonly workers: number;
  /** How much it gives way to the others: what `nice` adds. */
  readonly niceness: number;
}

/**
 * Runs the tests by these Vitest arguments, and ends what their setup started. Of tests that cannot begin, none is known: they
 * have failed once.
 */
export async function runTests(args: string[], lane?: Lane): Promise<Outcome> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const reporter = new OutcomeReporter(options.testNamePattern !== undefined);
  try {
    const vitest = await startVitest('test', filter, {
      ...options,
      ...(lane === undefined ? {} : { project: lane.projects, maxWorkers: lane.workers }),
      watch: false,
      reporters: [...[options.reporters ?? 'default'].flat(), reporter],
    });
    await vitest.close();
    return reporter.outcome;
  } catch (error) {
    console.error(error);
    return notBegun(lane?.projects ?? [], error instanceof Error ? error.message : String(error));
  }
}

/** The outcome of tests of which nothing is known. */
export function notBegun(projects: string[], why: string): Outcome {
  const failures = [{ test: `the projects ${projects.join(', ')}`, why }];
  return { passed: 0, failed: 1, failures, notRun: [], projects: [] };
}
