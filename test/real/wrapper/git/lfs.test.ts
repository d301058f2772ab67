import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pointerOf } from '../../../support/forges/lfs-server.ts';
import { scratch } from '../../../support/scratch.ts';
import { Forge } from '../../../support/wrapper/forge.ts';

let forge: Forge;

beforeAll(async () => {
  forge = await Forge.start();
  const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
  forge.repository('part', { '.gitattributes': attributes, 'deep.bin': forge.lfs.add('deep') });
  forge.repository('repo', {
    '.gitattributes': attributes,
    'here.bin': forge.lfs.add('whole'),
    'sub/lost.bin': pointerOf('lost').pointer,
    'plain.txt': 'plain',
  });
  forge.submodule('repo', 'part', 'part', '../part');
});
beforeEach(() => forge.freshWorkspace());
afterAll(async () => await forge?.[Symbol.asyncDispose]());

/** A folder with every program of this machine but git-lfs. */
function withoutLfs(): string {
  const folder = scratch();
  mkdirSync(path.join(folder, 'bin'));
  for (const name of readdirSync('/usr/bin'))
    if (name !== 'git-lfs') symlinkSync(path.join('/usr/bin', name), path.join(folder, 'bin', name));
  return path.join(folder, 'bin');
}

// Where it is there: test/e2e/sessions/workspaces.test.ts, in the image.
test('where git-lfs is missing, its files are pointers, and named', async () => {
  const usual = forge.path;
  forge.path = withoutLfs();
  const why = 'Git LFS: git-lfs is not there to fetch it, so the file is a pointer';
  expect(await forge.clone('repo')).toMatchObject({
    notice: 'cloned',
    left_out: [
      { path: 'here.bin', why },
      { path: 'sub/lost.bin', why },
      { path: 'part/deep.bin', why },
    ],
  });
  expect(forge.read('here.bin')).toMatch(/^version https:\/\/git-lfs/);
  forge.path = usual;
});
