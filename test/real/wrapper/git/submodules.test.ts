import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Forge } from '../../../support/wrapper/forge.ts';

const OWNED = path.join(os.tmpdir(), `cc-docker-owned-${process.pid}`);

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
  forge.repository('command', { a: 'whole' });
  forge.submodule('command', 'run', 'inner', '../inner');
  forge.git('command', 'config', '--file', '.gitmodules', 'submodule.run.update', `!touch ${OWNED}`);
  forge.git('command', 'commit', '-q', '-a', '-m', 'a command');
});
beforeEach(() => forge.freshWorkspace());
afterAll(async () => await forge?.[Symbol.asyncDispose]());

const rewrites = () => [{ from: 'git@forge.test:', to: `${forge.url}/` }];
const there = (name: string) => existsSync(path.join(forge.workspace, name));

test('submodules are fetched, and theirs; those that cannot be had are named', async () => {
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
  ]);
  expect(end.left_out_count).toBe(2);
  // The agent goes on from there.
  expect(forge.here('-C', 'by path', 'status', '--porcelain')).toBe('');
  expect(forge.here('submodule', 'status', '--', 'by path')).toMatch(/^[0-9a-f]{40} by path/);
});

test('a command that a repository names for its submodules does not run', async () => {
  expect(await forge.clone('command')).toMatchObject({ notice: 'cloned', left_out: [{ path: 'run' }] });
  expect(existsSync(OWNED)).toBe(false);
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
