import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart } from '../../../../runner/lib/process-identity.ts';
import { lockDataFolder } from '../../../../start/lib/lock.ts';
import { isRefused } from '../../../../start/lib/refused.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-lock-'))));
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const taken = {
  refused: expect.stringMatching(/^another `npm start` \(process \d+\) runs on .*: stop it, or set CC_DOCKER_DATA$/),
};

function take(): { release(): void } {
  const lock = lockDataFolder(folder);
  if (isRefused(lock)) throw new Error(lock.refused);
  return lock;
}

test('two services cannot have one data folder; once the first is gone the next can', async () => {
  const lock = take();
  expect(lockDataFolder(folder)).toEqual(taken);
  lock.release();
  take().release();
  expect(await readdir(folder)).toEqual([]);
});

test('the lock of a process that crashed is taken over', async () => {
  const gone = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const start = processStart(gone.pid ?? 0);
  gone.kill('SIGKILL');
  await once(gone, 'exit');
  await writeFile(path.join(folder, 'start.pid'), JSON.stringify({ pid: gone.pid, start }));
  take().release();
});

test('a lock whose pid another process has now is taken over', async () => {
  await writeFile(path.join(folder, 'start.pid'), JSON.stringify({ pid: process.pid, start: 'long ago' }));
  take().release();
});

test('a folder that cannot be made is one clear line', async () => {
  await writeFile(path.join(folder, 'file'), '');
  expect(lockDataFolder(path.join(folder, 'file', 'data'))).toEqual({
    refused: expect.stringMatching(/^CC_DOCKER_DATA .* cannot be used: /),
  });
});
