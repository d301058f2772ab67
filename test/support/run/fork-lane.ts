import { fork } from 'node:child_process';
import path from 'node:path';
import type { Outcome } from '../outcome.ts';
import { notBegun, type Lane } from './run-tests.ts';

/** What a lane is told: what ships is bundled, or why it cannot be. */
export type Bundled = { ok: true } | { ok: false; why: string };

/**
 * Runs a lane in a process of its own, so that each has its own priority, and none waits while another one's sources are
 * compiled.
 */
export async function forkLane(lane: Lane, bundled: Promise<Bundled>): Promise<Outcome> {
  const child = fork(path.join(import.meta.dirname, 'lane.ts'), [JSON.stringify(lane)]);
  let outcome: Outcome | undefined;
  child.on('message', (told: Outcome) => (outcome = told));
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // Until then, what it has sent may be on its way.
    child.once('disconnect', () => {
      const how = () => `its process ended with ${child.signalCode ?? child.exitCode}`;
      if (child.exitCode !== null || child.signalCode !== null) resolve(how());
      else child.once('exit', () => resolve(how()));
    });
  });
  void bundled.then((told) => child.connected && child.send(told));
  const why = await ended;
  if (outcome === undefined) return notBegun(lane.projects, why);
  // Vitest's own failures, of a setup for example, belong to no test: only its exit code tells.
  if (child.exitCode === 0 || outcome.failed > 0) return outcome;
  return { ...outcome, failed: 1, failures: notBegun(lane.projects, why).failures };
}
