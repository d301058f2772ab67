import fc from 'fast-check';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoriesOf, workspace } from '../../../../protocol/api/files/workspace.ts';

const parsed = (given: object) => workspace.safeParse({ type: 'ephemeral', ...given });
const issues = (given: object) =>
  parsed(given).error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? [];
const places = (given: object) =>
  repositoriesOf({ type: 'ephemeral', ...given }).map(({ repo, path: folder }) => [repo, folder]);

describe('several repositories', () => {
  it('have folders of their names, or those that are named', () => {
    const git = [
      { repo: 'o/web' },
      { repo: 'git@forge.test:team/api.git', branch: 'main' },
      { repo: 'https://forge.test/x/Caf%C3%A9.git/', depth: 1 },
      { repo: 'o/web', path: 'libs/web', branch: 'v1', submodules: false },
    ];
    expect(issues({ git })).toEqual([]);
    expect(places({ git }).map(([, folder]) => folder)).toEqual(['web', 'api', 'Café', 'libs/web']);
    expect(parsed({ git }).data).toEqual({ type: 'ephemeral', git });
  });

  it('may be beside one that has the workspace itself', () => {
    const both = { git_repo: 'o/site', git_branch: 'main', git_depth: 2, git: [{ repo: 'o/docs' }] };
    expect(issues(both)).toEqual([]);
    expect(repositoriesOf({ type: 'ephemeral', ...both })).toEqual([
      { repo: 'o/site', path: '.', branch: 'main', depth: 2 },
      { repo: 'o/docs', path: 'docs' },
    ]);
    expect(places({ git: [{ repo: 'o/site', path: '.' }, { repo: 'o/docs' }] })).toHaveLength(2);
    expect(issues({ ...both, git: [{ repo: 'o/docs', path: '.' }] })).toEqual([
      'git.0.path: has the folder of another repository, .: give it a path',
    ]);
  });

  it.each([
    [[{ repo: 'o/r' }, { repo: 'p/r' }], /^git\.1\.path: has the folder of another repository, r/],
    [[{ repo: 'o/r', path: 'a/b' }, { repo: 'o/a' }], /^git\.1\.path: has a folder around .* a\/b: name it first/],
    [[{ repo: 'o/r' }, { repo: 'o/s', path: '.' }], /^git\.1\.path: has a folder around/],
    [[{ repo: 'https://forge.test/%2e%2e' }], /^git\.0\.repo|^git\.0\.path: needs a path/],
    [[{ repo: 'https://forge.test/a%2Fb' }], /^git\.0\.path: needs a path/],
    [[{ repo: 'https://forge.test/o/.git' }], /^git\.0\.path: needs a path/],
    [[{ repo: 'nothing' }], /^git\.0\.repo: must name a repository/],
    [[{ repo: 'o/r', branch: '-x' }], /^git\.0\.branch: /],
    [Array.from({ length: 17 }, (_, at) => ({ repo: `o/r${at}` })), /^git: must be at most 16 repositories/],
  ])('%# are refused: %j', (git, why) => {
    expect(issues({ git })[0]).toMatch(why);
  });

  it('are not more than 16 with the workspace’s own, and not combined with a snapshot', () => {
    const git = Array.from({ length: 16 }, (_, at) => ({ repo: `o/r${at}` }));
    expect(issues({ git })).toEqual([]);
    expect(issues({ git_repo: 'o/r', git })).toEqual(['git: must be at most 15 beside git_repo']);
    expect(issues({ snapshot: crypto.randomUUID(), git })).toEqual(['snapshot: cannot be combined with git']);
    expect(workspace.safeParse({ type: 'clone', id: 'a', git }).success).toBe(false);
  });
});

describe('the folder of a repository', () => {
  it.each(['a', 'a/b', '.config/x', 'a b', 'Ünï', '-x', '.', '...', '.github', 'x.git'])('may be %s', (folder) => {
    expect(issues({ git: [{ repo: 'o/r', path: folder }] })).toEqual([]);
  });

  it.each([
    '',
    '/',
    '/etc',
    '..',
    '../x',
    'a/../b',
    'a/./b',
    'a//b',
    'a/',
    './a',
    'a\\b',
    'a\nb',
    '\0',
    '\ud800',
    '.git',
    'a/.git/hooks',
    '.GIT',
    '.git ',
    '.git.',
    'git~1',
    '.cc-docker-clone',
    '.cc-docker-clone/tree',
    'x'.repeat(256),
    'x/'.repeat(300),
    `${'a/'.repeat(16)}a`,
  ])('is not %j', (folder) => {
    expect(issues({ git: [{ repo: 'o/r', path: folder }] })).not.toEqual([]);
  });

  it('stays in the workspace, whatever it is', () => {
    const name = fc.constantFrom('a', '..', '.', '.git', '', 'b c', '~', '\\', '...', '.GIT.', 'x');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(name, { maxLength: 6 })), (given) => {
        const folder = typeof given === 'string' ? given : given.join('/');
        if (issues({ git: [{ repo: 'o/r', path: folder }] }).length > 0) return;
        const inside = path.posix.relative('/w', path.posix.resolve('/w', folder));
        expect(inside).toBe(folder === '.' ? '' : folder);
        expect(inside.split('/').map((part) => part.toLowerCase())).not.toContain('.git');
      }),
    );
  });
});
