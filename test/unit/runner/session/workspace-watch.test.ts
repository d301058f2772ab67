import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WorkspaceWatch } from '../../../../runner/session/container/workspace-watch.ts';
import { Changes } from '../../../support/changes.ts';
import { keptLog } from '../../../support/quiet-log.ts';
import { scratch } from '../../../support/scratch.ts';

const write = (folder: string, name: string, mb: number) =>
  writeFileSync(path.join(folder, name), Buffer.alloc(mb * 1024 * 1024, 1));

async function watch(folders: string[], limitMb: number) {
  const changes = new Changes();
  const full: number[] = [];
  const { log } = keptLog();
  const onFull = (usedMb: number) => {
    full.push(usedMb);
    changes.notify();
  };
  const watched = new WorkspaceWatch({ folders, limitMb, onFull, log, checkMs: 20 });
  onTestFinished(() => watched.close());
  await watched.measured;
  return { full, fullUp: async () => await changes.until(() => full[0]), close: () => watched.close() };
}

test('all files of both folders count together, in any depth', async () => {
  const [workspace, claude] = [scratch(), scratch()];
  write(workspace, 'a', 5);
  const { fullUp } = await watch([workspace, claude], 16);
  write(claude, 'b', 12);
  expect(await fullUp()).toBe(18);
});

test('what is over its limit from the start may be cleaned up, but hardly grow', async () => {
  const folder = scratch();
  write(folder, 'left over', 30);
  const { full, fullUp } = await watch([folder], 16);
  write(folder, 'more', 20);
  rmSync(path.join(folder, 'more'));
  expect(full).toEqual([]);
  write(folder, 'too much', 80);
  expect(await fullUp()).toBeGreaterThan(16 + 64);
});

test('it ends when told to, in the middle of a look too', async () => {
  const { close, full } = await watch([scratch()], 16);
  await close();
  expect(full).toEqual([]);
});
