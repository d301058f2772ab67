import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LeftOutList } from '../../../../wrapper/git/left-out.ts';
import { layOver } from '../../../../wrapper/git/lay-over.ts';
import { scratch } from '../../../support/scratch.ts';
import { Forge } from '../../../support/wrapper/forge.ts';

let forge: Forge;
let commit = '';

beforeAll(async () => {
  forge = await Forge.start();
  const files = {
    '.env.example': 'example',
    'README.md': 'theirs',
    'src/a': 'theirs',
    'src/deep/b': 'theirs',
    file: 'x',
    'folder/x': 'x',
  };
  [commit = ''] = forge.repository('repo', files);
  forge.repository('other', { a: 'other' });
});
beforeEach(() => forge.freshWorkspace());
afterAll(async () => await forge?.[Symbol.asyncDispose]());

const inWorkspace = (name: string) => path.join(forge.workspace, name);

test('what was uploaded before the clone is laid over it', async () => {
  forge.write('.env', 'secret');
  forge.write('README.md', 'mine');
  forge.write('src/deep/b', 'mine');
  forge.write('file/is-a-folder', 'mine');
  forge.write('folder', 'mine');
  symlinkSync('/etc/passwd', inWorkspace('link'));
  expect(await forge.clone('repo')).toMatchObject({ notice: 'cloned', commit });
  expect(forge.read('.env')).toBe('secret');
  expect(forge.read('README.md')).toBe('mine');
  expect(forge.read('src/deep/b')).toBe('mine');
  expect(forge.read('src/a')).toBe('theirs');
  expect(forge.read('file/is-a-folder')).toBe('mine');
  expect(forge.read('folder')).toBe('mine');
  expect(lstatSync(inWorkspace('link')).isSymbolicLink()).toBe(true);
  expect(readdirSync(forge.workspace)).not.toContain('.cc-docker-clone');
  expect(forge.here('diff', '--name-only').split('\n')).toEqual(['README.md', 'file', 'folder/x', 'src/deep/b']);
});

test('a file that comes while it is cloned stays, and so does one in a folder that the repository has', async () => {
  const cloning = forge.cloning('repo');
  forge.write('README.md', 'mine');
  forge.write('src/new', 'mine');
  expect(await cloning.ended).toMatchObject({ notice: 'cloned' });
  expect([forge.read('README.md'), forge.read('src/new'), forge.read('src/a')]).toEqual(['mine', 'mine', 'theirs']);
});

test('a clone that fails leaves the uploads, and the next one lies under them', async () => {
  forge.write('README.md', 'mine');
  expect(await forge.clone('nothing')).toMatchObject({ notice: 'clone_failed' });
  expect(readdirSync(forge.workspace)).toEqual(['README.md']);
  forge.write('.env', 'secret');
  expect(await forge.clone('repo')).toMatchObject({ notice: 'cloned' });
  expect([forge.read('README.md'), forge.read('.env'), forge.read('file')]).toEqual(['mine', 'secret', 'x']);
});

test('a clone that was cut short is begun again; one that was whole is put in place', async () => {
  forge.write('.cc-docker-clone/tree/.git/HEAD', 'half');
  expect(await forge.clone('repo')).toMatchObject({ notice: 'cloned' });
  expect(forge.here('status', '--porcelain')).toBe('');

  forge.freshWorkspace();
  // As a crash leaves it while the files are moved: some are in place already, and one of them was changed by a client.
  mkdirSync(inWorkspace('.cc-docker-clone'));
  forge.git('repo', 'clone', '-q', '.', inWorkspace('.cc-docker-clone/tree'));
  writeFileSync(inWorkspace('.cc-docker-clone/done.json'), JSON.stringify({ left_out: [], left_out_count: 0 }));
  forge.write('README.md', 'mine');
  expect(await forge.clone('repo')).toMatchObject({ notice: 'cloned', commit });
  expect(forge.here('status', '--porcelain')).toBe('M README.md');
});

test('a workspace that is a clone of the repository already is fetched, and its files stay', async () => {
  await forge.clone('repo');
  forge.write('README.md', 'changed');
  forge.write('.git/hooks/reference-transaction', '#!/bin/sh\ntouch hooked\n');
  chmodSync(inWorkspace('.git/hooks/reference-transaction'), 0o755);
  forge.git('repo', 'commit', '-q', '--allow-empty', '-m', 'newer');
  const newer = forge.git('repo', 'rev-parse', 'HEAD');
  expect(await forge.clone('repo', { has_files: true })).toMatchObject({ notice: 'fetched', commit });
  expect(forge.here('rev-parse', 'origin/main')).toBe(newer);
  expect(forge.read('README.md')).toBe('changed');
  expect(readdirSync(forge.workspace)).not.toContain('hooked');
  // However its address is written.
  forge.here('remote', 'set-url', 'origin', `${forge.url}/repo.git/`);
  expect(await forge.clone('repo', { has_files: true })).toMatchObject({ notice: 'clone_skipped' });
});

test('a workspace that has files of other work keeps them, and that is said', async () => {
  forge.write('notes', 'mine');
  expect(await forge.clone('repo', { has_files: true })).toMatchObject({
    notice: 'clone_skipped',
    repo: `${forge.url}/repo`,
    detail: expect.stringMatching(/no clone of a repository/),
  });
  expect(readdirSync(forge.workspace)).toEqual(['notes']);

  forge.freshWorkspace();
  await forge.clone('other');
  expect(await forge.clone('repo', { has_files: true })).toMatchObject({
    notice: 'clone_skipped',
    detail: expect.stringContaining(`${forge.url}/other`),
  });
  expect(forge.read('a')).toBe('other');

  forge.freshWorkspace();
  expect(await forge.clone('repo', { has_files: true })).toMatchObject({ notice: 'cloned' });
});

test('nothing is ever replaced: of two that make the same file, the one that was there first stays', async () => {
  const [from, onto] = [scratch(), scratch()];
  const names = Array.from({ length: 200 }, (_, index) => `f${index}`);
  for (const name of names) writeFileSync(path.join(from, name), 'cloned');
  const leftOut = new LeftOutList();
  const laying = layOver(from, onto, leftOut);
  const uploaded = new Set<string>();
  for (const name of names.toReversed()) {
    try {
      writeFileSync(path.join(onto, name), 'uploaded', { flag: 'wx' });
      uploaded.add(name);
    } catch {
      // The clone was first.
    }
    await new Promise(setImmediate);
  }
  await laying;
  const is = names.map((name) => (uploaded.has(name) ? 'uploaded' : 'cloned'));
  expect(names.map((name) => readFileSync(path.join(onto, name), 'utf8'))).toEqual(is);
});

test('a folder that takes no files is left as it is, and what it should have had is named', async () => {
  const [from, onto] = [scratch(), scratch()];
  mkdirSync(path.join(from, 'src'));
  writeFileSync(path.join(from, 'src', 'a'), 'x');
  mkdirSync(path.join(onto, 'src'));
  writeFileSync(path.join(onto, 'src', 'mine'), 'x');
  chmodSync(path.join(onto, 'src'), 0o555);
  const leftOut = new LeftOutList();
  await layOver(from, onto, leftOut);
  // Root writes everywhere.
  if (process.getuid?.() === 0) expect(existsSync(path.join(onto, 'src', 'a'))).toBe(true);
  else expect(leftOut.items).toMatchObject([{ path: 'src/a' }]);
  chmodSync(path.join(onto, 'src'), 0o755);
});
