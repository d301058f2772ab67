import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { WrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import { Forge } from '../../../support/wrapper/forge.ts';

let forge: Forge;
const commits: Record<string, string> = {};

beforeAll(async () => {
  forge = await Forge.start();
  for (const name of ['outer', 'web', 'api']) {
    const [commit = ''] = forge.repository(name, { 'README.md': `${name}\n`, 'src/code': 'theirs\n' });
    commits[name] = commit;
  }
  forge.repository('planter', { a: 'a\n' });
  symlinkSync('../elsewhere', path.join(forge.folderOf('planter'), 'libs'));
  forge.git('planter', 'add', '.');
  forge.git('planter', 'commit', '-q', '-m', 'a link');
});
beforeEach(() => {
  forge.freshWorkspace();
  forge.gate = Promise.resolve();
});
afterAll(async () => await forge?.[Symbol.asyncDispose]());

const at = (name: string, folder = name) => ({ repo: `${forge.url}/${name}`, path: folder });

async function cloneAll(list: { repo: string; path: string }[], more = {}) {
  const said: WrapperNotice[] = [];
  const end = await forge.cloningAll(list, more, said).ended;
  return { said, end };
}

test('several repositories come into folders of their own, one after the other, and each is named', async () => {
  const { said, end } = await cloneAll([at('outer', '.'), at('web'), at('api', 'libs/api')]);
  const cloned = (name: string) => ({ notice: 'cloned', repo: `${forge.url}/${name}`, commit: commits[name] });
  expect(said).toMatchObject([
    { notice: 'cloning', repo: `${forge.url}/outer` },
    { ...cloned('outer'), more: true },
    { notice: 'cloning', repo: `${forge.url}/web`, path: 'web' },
    { ...cloned('web'), path: 'web', more: true },
    { notice: 'cloning', repo: `${forge.url}/api`, path: 'libs/api' },
  ]);
  expect(end).toMatchObject({ ...cloned('api'), path: 'libs/api' });
  expect(end).not.toHaveProperty('more');
  expect(said[0]).not.toHaveProperty('path');
  expect(['README.md', 'web/README.md', 'libs/api/README.md'].map((name) => forge.read(name))).toEqual([
    'outer\n',
    'web\n',
    'api\n',
  ]);
  for (const folder of ['web', 'libs/api']) expect(forge.here('-C', folder, 'status', '--porcelain')).toBe('');
  expect(readdirSync(forge.workspace)).not.toContain('.cc-docker-clone');
});

test('one that fails is named, those before it stay, and the next try has only the others to clone', async () => {
  const list = [at('web'), at('late', 'deep/late'), at('api')];
  const first = await cloneAll(list);
  expect(first.end).toEqual({
    notice: 'clone_failed',
    ...at('late', 'deep/late'),
    detail: expect.stringMatching(/^http.*\/late was not cloned into "deep\/late": .*not found/s),
  });
  expect(existsSync(path.join(forge.workspace, 'api'))).toBe(false);
  forge.write('web/mine', 'uploaded meanwhile');
  forge.write('web/README.md', 'changed meanwhile');

  forge.repository('late', { b: 'here now\n' });
  const second = await cloneAll(list);
  expect(second.said.filter(({ notice }) => notice === 'cloned')).toMatchObject([
    { path: 'web', commit: commits['web'] },
    { path: 'deep/late' },
  ]);
  expect(second.end).toMatchObject({ notice: 'cloned', path: 'api' });
  expect(forge.read('web/README.md')).toBe('changed meanwhile');
  expect(forge.read('deep/late/b')).toBe('here now\n');
});

test('a clone that was cut short begins anew; one that was whole goes on to its own folder', async () => {
  const list = [at('web'), at('api')];
  const gate = Promise.withResolvers<void>();
  forge.gate = gate.promise;
  const cut = forge.cloningAll(list);
  cut.kill();
  gate.resolve();
  expect(await cut.ended).toBeNull();
  forge.write('.cc-docker-clone/tree/half', 'x');
  const { end } = await cloneAll(list);
  expect(end).toMatchObject({ notice: 'cloned', path: 'api' });
  expect(readdirSync(forge.workspace).sort()).toEqual(['api', 'web']);

  // As a container leaves it that dies while `api` is moved.
  rmSync(path.join(forge.workspace, 'api'), { recursive: true });
  forge.git('api', 'clone', '-q', forge.folderOf('api'), path.join(forge.workspace, '.cc-docker-clone', 'tree'));
  forge.write('.cc-docker-clone/done.json', JSON.stringify({ left_out: [], left_out_count: 0, path: 'api' }));
  forge.write('api/README.md', 'moved');
  rmSync(path.join(forge.workspace, '.cc-docker-clone', 'tree', 'README.md'));
  const { said } = await cloneAll(list);
  expect(said.filter(({ notice }) => notice === 'cloned')).toMatchObject([{ path: 'api' }]);
  expect(forge.read('api/README.md')).toBe('moved');
  expect(forge.read('api/src/code')).toBe('theirs\n');
  expect(forge.read('web/README.md')).toBe('web\n');
});

test('a link that a repository planted leads no other one out of the workspace', async () => {
  const elsewhere = path.join(path.dirname(forge.workspace), 'elsewhere');
  mkdirSync(elsewhere, { recursive: true });
  const { said, end } = await cloneAll([at('planter', '.'), at('web', 'libs/web'), at('api')]);
  expect(said).toContainEqual({
    notice: 'clone_skipped',
    ...at('web', 'libs/web'),
    detail: '"libs" is a file or a link, and stays as it is.',
    more: true,
    after_clone: true,
  });
  expect(end).toMatchObject({ notice: 'cloned', path: 'api' });
  expect(readdirSync(elsewhere)).toEqual([]);
});

test('of a workspace with files, each folder keeps what it has; what is new is cloned, and the last says so', async () => {
  await cloneAll([at('web')]);
  forge.write('api/notes', 'mine');
  const { said, end } = await cloneAll([at('web'), at('outer', 'new'), at('api')], { has_files: true });
  expect(said).toMatchObject([
    { notice: 'cloning' },
    { notice: 'fetched', path: 'web', commit: commits['web'], more: true },
    { notice: 'cloning' },
    { notice: 'cloned', path: 'new', more: true },
    { notice: 'cloning' },
  ]);
  expect(end).toMatchObject({
    notice: 'clone_skipped',
    path: 'api',
    detail: expect.stringMatching(/^The folder "api" has files already/),
    after_clone: true,
  });
  expect(readdirSync(path.join(forge.workspace, 'api'))).toEqual(['notes']);
});
