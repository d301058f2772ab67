import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  readFileSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
  existsSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { whilePaused } from '../../../start/backup/paused.ts';
import { TreeCopy } from '../../../start/backup/tree-copy.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

/** A process that writes all the time. */
async function writer() {
  const file = path.join(scratch(), 'count');
  const source = `let n = 0; for (;;) require('node:fs').writeFileSync(${JSON.stringify(file)}, String(++n).padStart(12));`;
  const child = spawn(process.execPath, ['-e', source], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const count = () => Number(existsSync(file) ? readFileSync(file, 'utf8') : 0);
  const goesOn = async () => {
    const before = count();
    await until(() => expect(count()).toBeGreaterThan(before));
  };
  await goesOn();
  return { pid: child.pid ?? expect.fail('it did not start'), count, goesOn };
}

/** Other processes run meanwhile. */
const busy = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('a process stands still while something is done, and goes on afterwards, also when that fails', async () => {
  const { pid, count, goesOn } = await writer();
  const { value, pausedMs } = await whilePaused(pid, () => {
    const before = count();
    busy(200);
    return count() - before;
  });
  expect(value).toBe(0);
  expect(pausedMs).toBeGreaterThanOrEqual(200);
  await goesOn();
  await expect(
    whilePaused(pid, () => {
      throw new Error('the disk is full');
    }),
  ).rejects.toThrow('the disk is full');
  await goesOn();
});

test('it goes on when the process that has it stand still is killed', async () => {
  const { pid, count, goesOn } = await writer();
  const module = pathToFileURL(path.join(PROJECT, 'start/backup/paused.ts')).href;
  const source = `import { whilePaused } from ${JSON.stringify(module)};
    import { writeSync } from 'node:fs';
    await whilePaused(${pid}, () => { writeSync(1, 'still'); for (;;); });`;
  const killer = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(killer.stdout, 'data');
  const before = count();
  busy(50);
  expect(count()).toBe(before);
  killer.kill('SIGKILL');
  await goesOn();
});

test('a copy follows no link, leaves sockets out, and a second pass has what changed and not what went', async () => {
  const [from, outside] = [scratch(), scratch()];
  const to = path.join(scratch(), 'copy');
  writeFileSync(path.join(outside, 'secret'), 'not in it');
  mkdirSync(path.join(from, 'folder'));
  writeFileSync(path.join(from, 'folder', 'kept'), 'one');
  writeFileSync(path.join(from, 'folder', 'goes'), 'soon');
  symlinkSync(outside, path.join(from, 'link'));
  const copy = new TreeCopy(from, to, { leaveOut: (name) => name === 'folder/left-out' });
  expect(copy.pass()).toMatchObject({ files: 2, bytes: 7 });
  expect(readlinkSync(path.join(to, 'link'))).toBe(outside);
  writeFileSync(path.join(from, 'folder', 'kept'), 'two');
  writeFileSync(path.join(from, 'folder', 'left-out'), 'x');

  rmSync(path.join(from, 'folder', 'goes'));
  copy.pass();
  expect(readFileSync(path.join(to, 'folder', 'kept'), 'utf8')).toBe('two');
  expect(readdirSync(path.join(to, 'folder'))).toEqual(['kept']);
});
