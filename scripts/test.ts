import { parseCLI, startVitest } from 'vitest/node';
import { OutcomeReporter, type Outcome } from '../test/support/outcome.ts';
import { bundleWorker, bundleWrapper } from './bundle.ts';

/** Runs the tests by these Vitest arguments, and ends what their setup started. */
async function runTests(args: string[]): Promise<Outcome> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const reporter = new OutcomeReporter(options.testNamePattern !== undefined);
  const vitest = await startVitest('test', filter, {
    ...options,
    watch: false,
    reporters: [...[options.reporters ?? 'default'].flat(), reporter],
  });
  await vitest.close();
  return reporter.outcome;
}

/**
 * `npm test [-- VITEST ARGUMENTS]`: all tests that this machine can run, then those that it could not and why, then the
 * line `N passed, N failed`. With `REQUIRE_DOCKER=1` a test that could not run has failed.
 */
async function main(): Promise<void> {
  let outcome: Outcome = { passed: 0, failed: 0, notRun: [] };
  try {
    await Promise.all([bundleWrapper(), bundleWorker()]);
    outcome = await runTests(process.argv.slice(2));
  } catch (error) {
    console.error(error);
    outcome.failed += 1;
  }

  const { passed, notRun } = outcome;
  if (notRun.length > 0) {
    console.log(`\nCould not run:\n${notRun.map(({ test, why }) => `- ${test}: ${why}`).join('\n')}`);
  }
  const missed = process.env['REQUIRE_DOCKER'] === '1' ? notRun.length : 0;
  if (missed > 0) console.log('\nREQUIRE_DOCKER=1: these count as failed.');
  // Vitest's own failures, of a setup for example, belong to no test; only its exit code tells.
  const failed = Math.max(outcome.failed + missed, Number(process.exitCode ?? 0) === 0 ? 0 : 1);
  if (failed > 0) process.exitCode = 1;
  console.log(`\n${passed} passed, ${failed} failed`);
}

await main();
