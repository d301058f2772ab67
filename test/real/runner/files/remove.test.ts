import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ask, fingerprint, openFiles, surroundings } from '../../../support/files/scene.ts';

const remove = (at: string, recursive = false) => ({ op: 'delete', path: at, recursive }) as const;

test('a file, a link and an empty folder are deleted; a full folder only when that is asked for', async () => {
  const { workspace, outside } = surroundings();
  const untouched = fingerprint(outside);
  mkdirSync(path.join(workspace, 'full/empty'), { recursive: true });
  writeFileSync(path.join(workspace, 'full/file'), '');
  symlinkSync(outside, path.join(workspace, 'full/link'));
  expect((await ask(workspace, remove('full'))).refusal?.code).toBe('directory_not_empty');
  for (const at of ['full/file', 'full/link', 'full/empty']) expect((await ask(workspace, remove(at))).ok).toBe(true);
  symlinkSync(outside, path.join(workspace, 'full/link'));
  expect((await ask(workspace, remove('full', true))).ok).toBe(true);
  expect(readdirSync(workspace)).toEqual([]);
  expect(fingerprint(outside)).toBe(untouched);
});

test('the workspace itself, and what is not there, cannot be deleted', async () => {
  const { workspace, outside } = surroundings();
  symlinkSync(outside, path.join(workspace, 'link'));
  const codes = [];
  for (const at of ['', 'missing', 'link/folder', '..'])
    codes.push((await ask(workspace, remove(at, true))).refusal?.code);
  expect(codes).toEqual(['path_invalid', 'file_not_found', 'not_a_directory', 'path_invalid']);
  expect(existsSync(path.join(outside, 'folder'))).toBe(true);
});

test('a tree that is deeper than any path may be long is deleted with few open files', async () => {
  const { workspace, outside } = surroundings();
  const untouched = fingerprint(outside);
  // Deeper than PATH_MAX: only from within can it be made.
  const script = `import os, sys
for i in range(3000):
  os.mkdir("d"); open("f", "w").close(); os.symlink(sys.argv[1], "l"); os.chdir("d")`;
  mkdirSync(path.join(workspace, 'deep'));
  execFileSync('python3', ['-c', script, outside], { cwd: path.join(workspace, 'deep') });
  const before = openFiles();
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, openFiles())), 1);
  const answer = await ask(workspace, remove('deep', true)).finally(() => clearInterval(watch));
  expect(answer.refusal).toBeUndefined();
  expect(readdirSync(workspace)).toEqual([]);
  expect(most - before).toBeLessThan(100);
  expect(fingerprint(outside)).toBe(untouched);
});
