import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { removeFolder } from '../../../../../runner/lib/disk/remove-folder.ts';
import { removeSessionFolders, sessionFolders } from '../../../../../runner/lib/session-folders.ts';
import { scratch } from '../../../../support/scratch.ts';

/** Folders in folders, deeper than any path may be long: an agent makes them with `mkdir` and `cd`. */
function nest(folder: string): void {
  const here = process.cwd();
  mkdirSync(folder, { recursive: true });
  process.chdir(folder);
  for (let depth = 0; depth < 40; depth += 1) {
    mkdirSync('d'.repeat(200));
    process.chdir('d'.repeat(200));
  }
  writeFileSync('kept', 'for good?');
  process.chdir(here);
}

test('a session goes, however deep its agent has nested folders', async () => {
  const folders = sessionFolders(scratch(), 'session');
  nest(path.join(folders.workspace, 'deep'));
  await removeSessionFolders(folders);
  expect(existsSync(folders.root)).toBe(false);
});

test('links are removed and what they point to stays; what is not there is no fault', async () => {
  const folder = scratch();
  const outside = path.join(folder, 'outside');
  const inside = path.join(folder, '-rf');
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'file'), '');
  mkdirSync(inside);
  symlinkSync(outside, path.join(inside, 'link'));
  await removeFolder(inside, path.join(folder, 'nothing'));
  expect([existsSync(inside), existsSync(path.join(outside, 'file'))]).toEqual([false, true]);
});

test('what cannot be removed is named', async () => {
  await expect(removeFolder('/proc/self/status')).rejects.toThrow('/proc/self/status');
});
