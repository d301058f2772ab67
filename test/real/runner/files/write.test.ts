import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ask, bodyOf, limitsOf, openFiles, surroundings, writtenOf } from '../../../support/files/scene.ts';

const write = (at: string, mode: number | null = null) => ({ op: 'write', path: at, mode }) as const;
const mode = (at: string) => lstatSync(at).mode & 0o7777;

test('a file is written with the folders that it needs', async () => {
  const { workspace } = surroundings();
  const answer = await ask(workspace, write('a/b/c.txt'), { body: bodyOf('one ', 'two') });
  expect(writtenOf(answer)).toEqual({ path: 'a/b/c.txt', files: 1, bytes: 7 });
  const at = path.join(workspace, 'a/b/c.txt');
  expect(readFileSync(at, 'utf8')).toBe('one two');
  expect([mode(at), mode(path.dirname(at))]).toEqual([0o644, 0o755]);
  expect(readdirSync(path.dirname(at))).toEqual(['c.txt']);
});

test('a file that is replaced hands on its mode, unless another is asked for', async () => {
  const { workspace } = surroundings();
  const at = path.join(workspace, 'run.sh');
  writeFileSync(at, 'old');
  chmodSync(at, 0o4750);
  await ask(workspace, write('run.sh'), { body: bodyOf('new') });
  expect([readFileSync(at, 'utf8'), mode(at)]).toEqual(['new', 0o750]);
  await ask(workspace, write('run.sh', 0o600), { body: bodyOf('') });
  expect([readFileSync(at, 'utf8'), mode(at)]).toEqual(['', 0o600]);
});

test('a body that breaks off leaves all as it was: the old file, and no new folder', async () => {
  const { workspace } = surroundings();
  writeFileSync(path.join(workspace, 'kept'), 'old');
  const before = openFiles();
  for (const at of ['kept', 'new/folder/file']) {
    const body = bodyOf('half of ', new Error('gone'));
    await expect(ask(workspace, write(at), { body })).rejects.toThrow('gone');
  }
  expect(readdirSync(workspace)).toEqual(['kept']);
  expect(readFileSync(path.join(workspace, 'kept'), 'utf8')).toBe('old');
  expect(openFiles()).toBe(before);
});

test('folders and links are not written over', async () => {
  const { workspace, outside } = surroundings();
  mkdirSync(path.join(workspace, 'folder'));
  writeFileSync(path.join(workspace, 'file'), '');
  symlinkSync(path.join(outside, 'new'), path.join(workspace, 'link'));
  const refusals = [];
  for (const at of ['folder', 'link', 'file/below', 'link/below', '', 'a/../b'])
    refusals.push((await ask(workspace, write(at), { body: bodyOf('x') })).refusal?.code);
  expect(refusals).toEqual([
    'not_a_file',
    'not_a_file',
    'not_a_directory',
    'not_a_directory',
    'not_a_file',
    'path_invalid',
  ]);
  expect(readdirSync(outside)).not.toContain('new');
  expect(readdirSync(workspace).sort()).toEqual(['file', 'folder', 'link']);
});

test('what is larger than the workspace may become is refused, and nothing stays of it', async () => {
  const { workspace } = surroundings();
  const mb = Buffer.alloc(1024 * 1024, 1);
  writeFileSync(path.join(workspace, 'there'), Buffer.concat([mb, mb]));
  const refused = await ask(workspace, write('new'), { body: bodyOf(mb, mb), limits: limitsOf(3, 1000) });
  expect(refused.refusal).toMatchObject({ code: 'workspace_full', detail: expect.stringContaining('3 MB') });
  expect(readdirSync(workspace)).toEqual(['there']);
  expect(
    (await ask(workspace, write('new'), { body: bodyOf(mb.subarray(0, 500_000)), limits: limitsOf(3, 1000) })).ok,
  ).toBe(true);
  // In place of what is there, as much again fits.
  expect((await ask(workspace, write('there'), { body: bodyOf(mb, mb), limits: limitsOf(3, 1000) })).ok).toBe(true);
});

test('one file more than the workspace may have is refused, and one in place of another is not', async () => {
  const { workspace } = surroundings();
  writeFileSync(path.join(workspace, 'there'), 'x');
  // The folder itself counts.
  const limits = limitsOf(3, 2);
  const refused = await ask(workspace, write('new'), { body: bodyOf('x'), limits });
  expect(refused.refusal).toMatchObject({ code: 'workspace_full', detail: expect.stringContaining('2 files') });
  expect(readdirSync(workspace)).toEqual(['there']);
  expect((await ask(workspace, write('there'), { body: bodyOf('y'), limits })).ok).toBe(true);
});

test.skipIf(process.getuid?.() !== 0)('what is written belongs to the container’s user', async () => {
  const { workspace } = surroundings();
  const as = { uid: 4711, gid: 4712 };
  await ask(workspace, write('a/b', 0o755), { body: bodyOf('x'), as });
  for (const at of ['a', 'a/b']) {
    const { uid, gid } = lstatSync(path.join(workspace, at));
    expect({ uid, gid }).toEqual(as);
  }
  expect(mode(path.join(workspace, 'a/b'))).toBe(0o755);
  expect(lstatSync(workspace).uid).toBe(0);
});
