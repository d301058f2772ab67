import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Forge } from '../../../support/wrapper/forge.ts';

let forge: Forge;

beforeAll(async () => {
  forge = await Forge.start();
  forge.repository('inner', { deep: 'inner' });
  forge.repository('part', { part: 'one' }, { part: 'two' });
  forge.submodule('part', 'inner', 'inner', '../inner');
  forge.repository('whole', { a: 'whole' });
  forge.submodule('whole', 'by path', 'part', '../part');
  forge.submodule('whole', 'by-url', 'inner', `${forge.url}/inner`);
  forge.submodule('whole', 'by-ssh', 'inner', 'git@forge.test:inner');
  forge.submodule('whole', 'gone', 'inner', '../not-there');
  forge.submodule('whole', 'local', 'inner', '/etc');
  forge.submodule('whole', 'run', 'inner', '../inner');
  forge.git('whole', 'config', '--file', '.gitmodules', 'submodule.run.update', '!touch /tmp/cc-docker-owned');
  forge.git('whole', 'commit', '-q', '-a', '-m', 'a command');
});
beforeEach(() => forge.freshWorkspace());
afterAll(async () => await forge?.[Symbol.asyncDispose]());

const rewrites = () => [{ from: 'git@forge.test:', to: `${forge.url}/` }];
const there = (name: string) => existsSync(path.join(forge.workspace, name));

test('submodules are fetched, and theirs; those that cannot be had are named, and no command of theirs runs', async () => {
  const end = await forge.clone('whole', { rewrites: rewrites() });
  expect(end).toMatchObject({ notice: 'cloned' });
  if (end?.notice !== 'cloned') return;
  expect(forge.read('by path', 'part')).toBe('two');
  expect(forge.read('by path', 'inner', 'deep')).toBe('inner');
  expect(forge.read('by-url', 'deep')).toBe('inner');
  expect(forge.read('by-ssh', 'deep')).toBe('inner');
  expect(end.left_out).toEqual([
    { path: 'gone', why: expect.stringMatching(/^submodule: .*not-there|^submodule: .*Failed to clone/) },
    { path: 'local', why: expect.stringMatching(/^submodule: /) },
    { path: 'run', why: expect.stringMatching(/^submodule: /) },
  ]);
  expect(end.left_out_count).toBe(3);
  expect(existsSync('/tmp/cc-docker-owned')).toBe(false);
  // The agent goes on from there.
  expect(forge.here('-C', 'by path', 'status', '--porcelain')).toBe('');
  expect(forge.here('submodule', 'status', '--', 'by path')).toMatch(/^[0-9a-f]{40} by path/);
});

test('submodules have the depth of the clone', async () => {
  await forge.clone('whole', { depth: 1 });
  expect(forge.here('-C', 'by path', 'rev-list', '--count', 'HEAD')).toBe('1');
});

test('without submodules none is fetched, and none is named', async () => {
  const end = await forge.clone('whole', { submodules: false });
  expect(end).toMatchObject({ notice: 'cloned' });
  expect(end).not.toHaveProperty('left_out');
  expect(there('by path/part')).toBe(false);
});

test('of very many that are left out, the first are named, and all are counted', async () => {
  forge.repository('many', { a: 'many' });
  const names = Array.from({ length: 60 }, (_, index) => `lost-${index}`);
  const commit = forge.git('inner', 'rev-parse', 'HEAD');
  for (const name of names) {
    forge.git('many', 'update-index', '--add', '--cacheinfo', `160000,${commit},${name}`);
    forge.git('many', 'config', '--file', '.gitmodules', `submodule.${name}.path`, name);
    forge.git('many', 'config', '--file', '.gitmodules', `submodule.${name}.url`, 'file:///nowhere');
  }
  forge.git('many', 'add', '.gitmodules');
  forge.git('many', 'commit', '-q', '-m', 'lost');
  const end = await forge.clone('many');
  expect(end).toMatchObject({ notice: 'cloned', left_out_count: 60 });
  expect(end?.notice === 'cloned' && end.left_out).toHaveLength(50);
});
