import { once } from 'node:events';
import os from 'node:os';
import type { Bundled } from './fork-lane.ts';
import { runTests, type Lane } from './run-tests.ts';

/**
 * The program of a lane: `lane.ts LANE`, a `Lane` as JSON. `forkLane` starts it, tells it `Bundled`, and is told the outcome. The
 * exit code is Vitest's.
 */
const lane: Lane = JSON.parse(process.argv[2] ?? '');
// What it starts is as patient as it is. Who is not root cannot be less patient than who started it.
os.setPriority(Math.min(os.getPriority() + lane.niceness, os.constants.priority.PRIORITY_LOW));
// Who began this is gone, and nobody waits for the outcome.
const abandoned = () => process.exit(1);
process.once('disconnect', abandoned);

async function untilBundled(): Promise<void> {
  const [told]: Bundled[] = await once(process, 'message');
  if (told?.ok !== true) throw new Error(told?.why);
}

globalThis.bundlesOfTests = untilBundled();
// Where no setup waits for it, nobody looks at it.
globalThis.bundlesOfTests.catch(() => {});
const outcome = await runTests([], lane);
await new Promise((sent) => process.send?.(outcome, sent));
process.off('disconnect', abandoned);
process.disconnect();
