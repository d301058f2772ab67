import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFiles, SECRET, SECRET_NAME, surroundings } from '../../../support/files/scene.ts';
import { bytesOf } from '../../../support/snapshot/disk-tree.ts';
import { sharing } from '../../../support/snapshot/sharing.ts';

test('a path may be written as agents write it', async () => {
  const { share, file, workspace } = sharing();
  mkdirSync(path.join(workspace, 'out'));
  file('out/a.txt', 'a');
  file('-ä\n"b".txt', 'b');
  for (const at of [
    'out/a.txt',
    './out//a.txt',
    '/workspace/out/a.txt',
    '/workspace/./out/a.txt',
    `${workspace}/out/a.txt`,
  ])
    expect((await share(at)).saved, at).toMatchObject({ ok: true, file: { path: 'out/a.txt' } });
  expect((await share('-ä\n"b".txt')).saved).toMatchObject({ ok: true, file: { path: '-ä\n"b".txt' } });
});

test('what is no file of the workspace is refused in words, and nothing of it is kept', async () => {
  const { workspace, outside } = surroundings();
  const { share, file, store } = sharing(workspace);
  mkdirSync(path.join(workspace, 'folder'));
  file('file', 'x');
  symlinkSync(path.join(outside, SECRET_NAME), path.join(workspace, 'link'));
  symlinkSync(outside, path.join(workspace, 'way'));
  spawn('mkfifo', [path.join(workspace, 'pipe')]);
  await expect.poll(async () => (await share('pipe')).saved).toMatchObject({ ok: false, why: 'not_a_file' });
  const refused: [string, string][] = [
    ['', 'not_a_file'],
    ['/workspace', 'not_a_file'],
    ['folder', 'not_a_file'],
    ['link', 'not_a_file'],
    [`way/${SECRET_NAME}`, 'not_a_directory'],
    ['file/deeper', 'not_a_directory'],
    ['none', 'file_not_found'],
    ['none/deeper', 'file_not_found'],
    [`../outside/${SECRET_NAME}`, 'path_invalid'],
    [`/workspace/../outside/${SECRET_NAME}`, 'path_invalid'],
    [`${outside}/${SECRET_NAME}`, 'path_invalid'],
    ['/workspaces/file', 'path_invalid'],
    ['/etc/passwd', 'path_invalid'],
    ['a\0b', 'path_invalid'],
    ['x'.repeat(300), 'path_invalid'],
  ];
  const open = openFiles();
  for (const [at, why] of refused) {
    const { saved } = await share(at);
    expect(saved, at).toMatchObject({ ok: false, why });
    expect(JSON.stringify(saved)).not.toContain(SECRET);
  }
  expect((await share('folder')).saved).toMatchObject({ detail: expect.stringContaining('into an archive') });
  expect(openFiles()).toBe(open);
  expect(store.keys('owners/')).toEqual([]);
});

test('a file that is written all the while is refused, and leaves nothing', async () => {
  const { share, file, workspace, store } = sharing();
  file('growing', bytesOf(20_000_000, 3));
  const growing = path.join(workspace, 'growing');
  const agent = spawn('sh', ['-c', 'while :; do echo more >> "$0"; done', growing], { stdio: 'inherit' });
  onTestFinished(() => void agent.kill('SIGKILL'));
  await expect.poll(() => statSync(growing).size).toBeGreaterThan(20_000_000);
  expect((await share('growing')).saved).toMatchObject({
    ok: false,
    why: 'file_busy',
    detail: expect.stringContaining('once nothing writes to it'),
  });
  expect(store.keys('owners/')).toEqual([]);
});

test('two names of one file are one file, and a link to a file within is not followed', async () => {
  const { share, file, workspace } = sharing();
  file('a', 'a');
  linkSync(path.join(workspace, 'a'), path.join(workspace, 'b'));
  symlinkSync('a', path.join(workspace, 'c'));
  expect((await share('b')).saved).toMatchObject({ ok: true, file: { path: 'b', bytes: 1 } });
  expect((await share('c')).saved).toMatchObject({ ok: false, why: 'not_a_file' });
});

test('an agent that swaps a folder for a link to the outside all the while has nothing from there kept', async () => {
  const { workspace, outside } = surroundings();
  const { share, read, store } = sharing(workspace);
  mkdirSync(path.join(workspace, 'dir'));
  const agent = spawn(
    process.execPath,
    [path.join(import.meta.dirname, '../../../support/files/racing-agent.ts'), workspace, outside],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void agent.kill('SIGKILL'));
  await once(agent.stdout, 'data');
  const open = openFiles();
  let [kept, refused] = [0, 0];
  for (let round = 0; round < 2000 && (round < 100 || kept === 0 || refused === 0); round += 1) {
    const { id, saved } = await share(`dir/${SECRET_NAME}`);
    if (!saved.ok) {
      refused += 1;
      expect(saved.detail).not.toContain(SECRET);
      continue;
    }
    kept += 1;
    expect((await read(id)).bytes?.toString()).not.toContain(SECRET);
  }
  expect([kept > 0, refused > 0]).toEqual([true, true]);
  expect(openFiles()).toBe(open);
  expect(store.keys('/saving/')).toEqual([]);
});
