import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../runner/lib/backoff.ts';
import { describeExit, killPart, partExit, rotateLog, startPart } from '../lib/part.ts';
import { PROJECT, shownPath } from '../lib/project.ts';
import type { Environment } from '../settings/settings.ts';

/** How long a runner may take to end its containers, milliseconds. */
const DRAIN_MS = 20_000;
/** How long it may take when it was told twice, milliseconds. */
const HURRY_MS = 5000;
const RESTART = { minMs: 1000, maxMs: 30_000 };
/** A runner that held this long was well: the next failure counts as the first, milliseconds. */
const SETTLED_MS = 60_000;

export interface RunnerPart {
  /** Has it end its containers and itself, and waits until it has. */
  stop(): Promise<void>;
  /** Has it end its containers without waiting for what runs in them; kills it if that takes long. */
  hurry(): Promise<void>;
}

export interface RunnerPartOptions {
  /** Asked anew at each start: the token in it expires. */
  environment: () => Promise<Environment>;
  log: string;
  /** Gets a line when the runner ended by itself. */
  say: (line: string) => void;
  /** The runner's program. */
  module?: string;
}

/** Keeps a runner running, in a process of its own: one that ends is started again, a little later each time. */
export function superviseRunner(options: RunnerPartOptions): RunnerPart {
  const { environment, log, say, module = path.join(PROJECT, 'runner', 'main.ts') } = options;
  const stopping = new AbortController();
  let runner: ChildProcess | undefined;

  async function supervise(): Promise<void> {
    rotateLog(log);
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const env = await environment();
      if (stopping.signal.aborted) return;
      const started = performance.now();
      runner = startPart(module, env, log, [path.join(PROJECT, 'start/lib/end-with-parent.ts')]);
      const how = await partExit(runner);
      if (stopping.signal.aborted) return;
      if (performance.now() - started > SETTLED_MS) failures = 0;
      const waitMs = Math.max(RESTART.minMs, backoffMs(failures, RESTART, Math.random()));
      say(
        `the runner ended ${describeExit(how, log)}; ` +
          `it is started again in ${Math.round(waitMs / 1000)} s (its log: ${shownPath(log)})`,
      );
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const done = supervise();

  async function end(patienceMs: number): Promise<void> {
    stopping.abort();
    // SIGTERM drains; a second one does not wait for sessions to finish what they do.
    runner?.kill('SIGTERM');
    const impatience = setTimeout(() => runner && killPart(runner), patienceMs);
    await done;
    clearTimeout(impatience);
  }

  return { stop: () => end(DRAIN_MS), hurry: () => end(HURRY_MS) };
}
