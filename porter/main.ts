import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createLog, messageOf } from '../runner/lib/log.ts';
import { waitAtMost } from '../runner/lib/wait-at-most.ts';
import { RunnerLine } from './runner-line.ts';
import { SessionSockets } from './session-sockets.ts';
import { parsePorterSettings, type PorterSettings } from './settings.ts';

/**
 * `node porter.mjs`: stands beside a session on a machine that is not its runner's, and carries its sockets to the runner.
 * `node porter.mjs health`: exits with 0 when the session may start. Exit codes: 0, after SIGTERM; 1, when it could not start.
 */

/** What is left of the time to stop when the porter stops waiting for others, milliseconds. */
const LAST_MS = 1_500;

/** The session cannot write the folder, so it cannot make this file. */
const readyFile = (run: string) => path.join(run, 'porter.ready');

async function main({ run, stopMs, ...settings }: PorterSettings): Promise<void> {
  const log = createLog('info');
  rmSync(readyFile(run), { force: true });
  const line = new RunnerLine({ ...settings, log });
  let sockets: SessionSockets | undefined;
  const stop = async (): Promise<void> => {
    log.info('stopping');
    // The session's container is told to end at the same time, and has last words.
    if ((await waitAtMost(sockets?.quiet() ?? Promise.resolve(), stopMs - LAST_MS)) === 'late')
      log.warn('the session has not ended in time');
    await sockets?.close();
    await waitAtMost(line.close(), LAST_MS / 2);
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  sockets = await SessionSockets.open(run, line);
  await line.arrived;
  writeFileSync(readyFile(run), '');
}

const parsed = parsePorterSettings(process.env);
if (!parsed.ok) {
  process.stderr.write(`cc-docker porter: ${parsed.problem}\n`);
  process.exitCode = 1;
} else if (process.argv[2] === 'health') {
  process.exitCode = existsSync(readyFile(parsed.settings.run)) ? 0 : 1;
} else {
  main(parsed.settings).catch((error: unknown) => {
    process.stderr.write(`cc-docker porter: ${messageOf(error)}\n`);
    process.exit(1);
  });
}
