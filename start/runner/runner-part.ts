import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../runner/lib/backoff.ts';
import { LogFile } from '../lib/log-file.ts';
import { describeExit, killPart, partExit, startPart } from '../lib/part.ts';
import { PROJECT, shownPath } from '../lib/project.ts';
import type { Environment } from '../settings/settings.ts';

/** Longest time for a runner to end its containers, once no turn is waited for any more; milliseconds. */
const DRAIN_MS = 20_000;
/** The same after a second signal, milliseconds. */
const HURRY_MS = 5000;
const RESTART = { minMs: 1000, maxMs: 30_000 };
/** After a runner has run this long, its next failure counts as the first one; milliseconds. */
const SETTLED_MS = 60_000;

export interface RunnerPart {
  /** Makes the runner end its containers and itself, and waits for that. */
  stop(): Promise<void>;
  /** The same without waiting for the work in the containers. Kills the runner if that takes long. */
  hurry(): Promise<void>;
  /** Makes the runner end as `stop` does, and starts another. */
  restart(): void;
}

export interface RunnerPartOptions {
  /** Called at each start, because the code in it expires. */
  environment: () => Promise<Environment>;
  /** The file for its output. */
  log: string;
  /** Gets a line when the runner has ended by itself. */
  say: (line: string) => void;
  /** Called at each start: what the runner holds open as long as it lives. */
  lifeline?: () => Writable;
  /** How long the runner lets turns go on when it is told to end, seconds (its `DRAIN_TIMEOUT`). Absent: not at all. */
  drainSeconds?: number;
  /** The runner's program. */
  module?: string;
}

/** Keeps a runner running in a process of its own: when it ends, starts it again, with a backoff. */
export function superviseRunner(options: RunnerPartOptions): RunnerPart {
  const {
    environment,
    log: file,
    say,
    lifeline,
    drainSeconds = 0,
    module = path.join(PROJECT, 'runner', 'main.ts'),
  } = options;
  const stopping = new AbortController();
  let runner: ChildProcess | undefined;
  let isRestart = false;

  async function supervise(): Promise<void> {
    const log = new LogFile(file);
    log.begin();
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const env = await environment();
      if (stopping.signal.aborted) return;
      const started = performance.now();
      runner = startPart(module, env, log, [path.join(PROJECT, 'start/lib/end-with-parent.ts')], lifeline?.());
      const how = await partExit(runner);
      log.flush();
      if (stopping.signal.aborted) return;
      if (performance.now() - started > SETTLED_MS) failures = 0;
      if (isRestart) {
        isRestart = false;
        say('the runner is started again');
        continue;
      }
      const waitMs = Math.max(RESTART.minMs, backoffMs(failures, RESTART, Math.random()));
      say(
        `the runner ended ${describeExit(how, log)}; ` +
          `it is started again in ${Math.round(waitMs / 1000)} s (its log: ${shownPath(file)})`,
      );
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const done = supervise();

  async function end(killAfterMs: number): Promise<void> {
    stopping.abort();
    // SIGTERM drains. A second SIGTERM does not wait for the sessions' work.
    runner?.kill('SIGTERM');
    const killTimer = setTimeout(() => runner && killPart(runner), killAfterMs);
    await done;
    clearTimeout(killTimer);
  }

  return {
    stop: () => end(1000 * drainSeconds + DRAIN_MS),
    hurry: () => end(HURRY_MS),
    restart: () => {
      isRestart = true;
      runner?.kill('SIGTERM');
    },
  };
}
