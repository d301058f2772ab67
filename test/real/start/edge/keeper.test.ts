import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Keeper } from '../../../../start/edge/workerd/keeper.ts';
import { until } from '../../../support/until.ts';

/** The shells that this process has started, by id. */
async function shells(): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // One may be gone by now.
    const [stat, command] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(`/proc/${entry}/${file}`, 'utf8').catch(() => '')),
    );
    const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === process.pid && command?.startsWith('sh\0-c\0') === true) found.push(Number(entry));
  }
  return found;
}

test('one whose input has ended, and that has not noticed yet, is told nothing, and its successor guards', async () => {
  const said: string[] = [];
  const keeper = new Keeper((line) => said.push(line));
  onTestFinished(() => keeper.end());
  await until(async () => expect(await shells()).toHaveLength(1));
  const [first = 0] = await shells();
  process.kill(first, 'SIGSTOP');
  onTestFinished(() => {
    if (said.length === 0) process.kill(first, 'SIGCONT');
  });
  keeper.lifeline.end();
  const guarded = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await keeper.keep(guarded.pid ?? null);
  process.kill(first, 'SIGCONT');
  await until(() => expect(said).toHaveLength(1));
  const ended = once(guarded, 'exit');
  await keeper.end();
  expect(await ended).toEqual([null, 'SIGKILL']);
});
