import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Outcome } from '../test/support/outcome.ts';
import { forkLane } from '../test/support/run/fork-lane.ts';
import { prepareBundles } from '../test/support/run/bundles.ts';
import { runTests, type Lane } from '../test/support/run/run-tests.ts';

/**
 * Lanes begin at the same time, and go through their projects one after the other. `e2e` first makes an engine and its image, so the
 * others give way to it. `real` is what runs at the end, when too few files at once leave a core idle. `unit` never waits for
 * anything: it is what two cores do when nothing else is to be done.
 */
const LANES: readonly Lane[] = [
  { projects: ['unit'], workers: 2, niceness: 9 },
  { projects: ['edge', 'edge-redis'], workers: 2, niceness: 3 },
  { projects: ['real'], workers: 4, niceness: 3 },
  { projects: ['e2e'], workers: 3, niceness: 0 },
];

/** All tests, in their lanes. */
async function runAll(): Promise<Outcome[]> {
  const bundled = prepareBundles().then(
    () => ({ ok: true }) as const,
    (error: unknown) => ({ ok: false, why: String(error) }) as const,
  );
  return await Promise.all(LANES.map((lane) => forkLane(lane, bundled)));
}

/** Gives the tests a folder for temporary files that is gone with them, and says what they should have removed themselves. */
async function withTemporaryFolder<T>(run: () => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ccd-'));
  // As /tmp has it: some tests run parts as other users.
  await chmod(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  try {
    return await run();
  } finally {
    const left = await readdir(folder);
    if (left.length > 0) console.log(`\nLeft in the folder for temporary files, and removed now: ${left.join(', ')}`);
    await rm(folder, { recursive: true, force: true });
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
  const outcomes = await withTemporaryFolder(async () => (args.length === 0 ? await runAll() : [await runTests(args)]));

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
