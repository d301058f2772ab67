import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sessionProcesses } from '../../../../chaos/world/processes.ts';
import { killMarked } from '../../../../runner/backend/process-sweep.ts';
import { PROJECT } from '../../../../start/lib/project.ts';
import { nodeEnvironment } from '../../../support/run/node-environment.ts';
import { scratch } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';

/** Found by `npm run chaos -- --seed 3`: a wrapper that nobody knew of lived beside the session's next one. */
test('a runner that is killed before it has written down a process of a session has begun nothing', async () => {
  const sessions = scratch();
  const [root, begun, wrapperBundle] = ['s', 'begun', 'wrapper.mjs'].map((name) => path.join(sessions, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(path.join(root, 'workspace'), { recursive: true });
  writeFileSync(
    wrapperBundle,
    `(await import('node:fs')).writeFileSync(${JSON.stringify(begun)}, ''); setInterval(() => {}, 1000)`,
  );
  // The record cannot be written as long as nobody reads it.
  execFileSync('mkfifo', [path.join(root, 'process.json')]);
  const program = `
    const { ProcessBackend } = await import(${JSON.stringify(path.join(PROJECT, 'runner/backend/process-backend.ts'))});
    const { sessionFolders } = await import(${JSON.stringify(path.join(PROJECT, 'runner/lib/session-folders.ts'))});
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const options = ${JSON.stringify({ wrapperBundle, claudePath: process.execPath, path: process.env['PATH'], sessions })};
    await new ProcessBackend({ ...options, log }).start({ session_id: 's', epoch: 1 }, sessionFolders(options.sessions, 's'));`;
  onTestFinished(() => killMarked(root));
  const runner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: nodeEnvironment(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until(async () => expect(await sessionProcesses(sessions)).not.toEqual([]));
  runner.kill('SIGKILL');
  await once(runner, 'exit');
  await until(async () => expect(await sessionProcesses(sessions)).toEqual([]));
  expect(existsSync(begun)).toBe(false);
});
