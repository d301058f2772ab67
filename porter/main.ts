import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createLog, messageOf } from '../runner/lib/log.ts';
import { waitAtMost } from '../runner/lib/wait-at-most.ts';
import { STORE_OWNER } from '../protocol/link/porter.ts';
import { answerFileRequests } from './file-requests.ts';
import { Orders } from './orders.ts';
import { RunnerStore } from './runner-store.ts';
import { SessionFiles } from './session-files.ts';
import { fetchRunFolder } from './run-folder.ts';
import { RunnerLine } from './runner-line.ts';
import { SessionSockets } from './session-sockets.ts';
import { parsePorterSettings, type PorterSettings } from './settings.ts';

/**
 * `node porter.mjs`: stands beside a session on a machine that is not its runner's, and carries its sockets to the runner.
 * `node porter.mjs health`: exits with 0 when the session may start, as `test -f` of `readyFile` does in a hundredth of the time.
 * Exit codes: 0, after SIGTERM; 1, when it could not start.
 */

/** What is left of the time to stop when the porter stops waiting for others, milliseconds. */
const LAST_MS = 1_500;

/** Task definitions look for it (`docs/ecs/tasks.yaml`). The session cannot write the folder, so it cannot make this file. */
const readyFile = (run: string) => path.join(run, 'porter.ready');

async function main({ run, trees, cache, user, stopMs, ...settings }: PorterSettings): Promise<void> {
  const log = createLog('info');
  rmSync(readyFile(run), { force: true });
  let orders: Orders | undefined;
  /** From when the session's files are here. The next connection listens again. */
  let listen: ((line: RunnerLine) => void) | undefined;
  const line = new RunnerLine({ ...settings, log, onWelcome: (welcomed) => listen?.(welcomed) });
  let sockets: SessionSockets | undefined;
  const stop = async (): Promise<void> => {
    log.info('stopping');
    const end = Date.now() + stopMs - LAST_MS;
    // The session's container is told to end at the same time, and has last words. What it has not saved by half of the time is
    // saved as it is then.
    const patience = orders === undefined ? stopMs - LAST_MS : stopMs / 2;
    if ((await waitAtMost(sockets?.quiet() ?? Promise.resolve(), patience)) === 'late')
      log.warn('the session has not ended in time');
    if ((await waitAtMost(orders?.finish(line) ?? Promise.resolve(), end - Date.now())) === 'late')
      log.error('the files are not saved in time');
    await sockets?.close();
    await waitAtMost(line.close(), LAST_MS / 2);
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  sockets = await SessionSockets.open(run, line);
  await line.arrived;
  await fetchRunFolder({ run, user, line, log });
  if (trees !== undefined) {
    const store = new RunnerStore(line);
    const files = new SessionFiles({ trees, cache, user, store, owner: STORE_OWNER, log });
    await files.fetch();
    const own = new Orders(files, log);
    orders = own;
    listen = (welcomed) => {
      own.listen(welcomed);
      void answerFileRequests({ line: welcomed, workspace: trees.workspace, user, log });
    };
    listen(line);
  }
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
