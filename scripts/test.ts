import path from 'node:path';
import { parseCLI, startVitest } from 'vitest/node';
import { OutcomeReporter, type Outcome } from '../test/support/outcome.ts';

interface Lane {
  readonly projects: string[];
  /** How many files at once. */
  readonly workers: number;
}

/**
 * Lanes begin at the same time, and go through their projects one after the other. On two cores, the first is always busy: it is
 * what the machine does while the engine and its image are made ready, which the third waits for. The files of the other two
 * wait most of their time, for containers, agents and time limits.
 */
const LANES: readonly Lane[] = [
  { projects: ['unit', 'edge', 'edge-redis'], workers: 2 },
  { projects: ['real'], workers: 3 },
  { projects: ['e2e'], workers: 3 },
];

/** Runs the tests by these Vitest arguments, and ends what their setup started. */
async function runTests(args: string[], lane?: Lane): Promise<Outcome> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const reporter = new OutcomeReporter(options.testNamePattern !== undefined);
  const vitest = await startVitest('test', filter, {
    ...options,
    ...(lane === undefined ? {} : { project: lane.projects, maxWorkers: lane.workers }),
    watch: false,
    reporters: [...[options.reporters ?? 'default'].flat(), reporter],
  });
  await vitest.close();
  return reporter.outcome;
}

/** Of a lane that cannot begin, no test is known: it has failed once. */
async function runLane(args: string[], lane?: Lane): Promise<Outcome> {
  try {
    return await runTests(args, lane);
  } catch (error) {
    console.error(error);
    const why = error instanceof Error ? error.message : String(error);
    const failures = [{ test: `the projects ${lane?.projects.join(', ') ?? ''}`, why }];
    return { passed: 0, failed: 1, failures, notRun: [], projects: [] };
  }
}

/**
 * `npm test [-- VITEST ARGUMENTS]`: all tests that this machine can run, then those that it could not and why, how long each
 * project took, and the line `N passed, N failed`. With `REQUIRE_DOCKER=1` a test that could not run has failed.
 */
async function main(): Promise<void> {
  // The same sources are loaded by hundreds of processes.
  process.env['NODE_COMPILE_CACHE'] ??= path.join(import.meta.dirname, '..', 'node_modules', '.cache', 'node');
  const args = process.argv.slice(2);
  const lanes = args.length === 0 ? LANES.map((lane) => runLane(args, lane)) : [runLane(args)];
  const outcomes = await Promise.all(lanes);

  const notRun = outcomes.flatMap((outcome) => outcome.notRun);
  if (notRun.length > 0) {
    console.log(`\nCould not run:\n${notRun.map(({ test, why }) => `- ${test}: ${why}`).join('\n')}`);
  }
  const missed = process.env['REQUIRE_DOCKER'] === '1' ? notRun.length : 0;
  if (missed > 0) console.log('\nREQUIRE_DOCKER=1: these count as failed.');

  // Once more, at the end: the lanes write between each other's lines.
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  if (failures.length > 0) console.log(`\nFailed:\n${failures.map(({ test, why }) => `- ${test}: ${why}`).join('\n')}`);

  console.log();
  for (const { name, tests, seconds } of outcomes.flatMap(({ projects }) => projects)) {
    console.log(`${name.padEnd(5)} ${String(tests).padStart(5)} tests ${seconds.toFixed(1).padStart(7)} s`);
  }
  const passed = sum(outcomes.map((outcome) => outcome.passed));
  // Vitest's own failures, of a setup for example, belong to no test; only its exit code tells.
  const failed = Math.max(
    sum(outcomes.map((outcome) => outcome.failed)) + missed,
    Number(process.exitCode ?? 0) === 0 ? 0 : 1,
  );
  if (failed > 0) process.exitCode = 1;
  console.log(`\n${passed} passed, ${failed} failed`);
}

const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0);

await main();
