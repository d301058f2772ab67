import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { workspace } from '../../../../protocol/api/files/workspace.ts';
import { isSameRepo, readGitRepo } from '../../../../protocol/git/git-repo.ts';

const urlOf = (text: string) => {
  const read = readGitRepo(text);
  return 'problem' in read ? null : read.url;
};

describe('a repository', () => {
  it.each([
    ['https://github.com/o/r.git', 'https://github.com/o/r.git'],
    ['HTTPS://GitHub.com/o/r', 'https://github.com/o/r'],
    ['http://127.0.0.1:8080/r.git', 'http://127.0.0.1:8080/r.git'],
    [' https://example.org/o/r\n', 'https://example.org/o/r'],
    ['o/r', 'https://github.com/o/r'],
    ['some-one/a.b_c', 'https://github.com/some-one/a.b_c'],
    ['o/r.git', 'https://github.com/o/r.git'],
    ['github.com/o/r', 'https://github.com/o/r'],
    ['gitlab.example/group/sub/r.git', 'https://gitlab.example/group/sub/r.git'],
    ['git.example:8443/group/r', 'https://git.example:8443/group/r'],
    ['localhost:3000/o/r', 'https://localhost:3000/o/r'],
    ['git@github.com:o/r.git', 'https://github.com/o/r.git'],
    ['github.com:o/r.git', 'https://github.com/o/r.git'],
    ['git@gitlab.example:/group/r', 'https://gitlab.example/group/r'],
    ['git@forge:o/r', 'https://forge/o/r'],
    ['git@[::1]:o/r', 'https://[::1]/o/r'],
    ['ssh://git@github.com/o/r.git', 'https://github.com/o/r.git'],
    ['ssh://git@forge.example:2222/o/r', 'https://forge.example/o/r'],
    ['ssh://git@ssh.github.com:443/o/r.git', 'https://github.com/o/r.git'],
    ['git+ssh://git@forge.example/o/r', 'https://forge.example/o/r'],
    ['git://forge.example/o/r', 'https://forge.example/o/r'],
    ['git@ssh.dev.azure.com:v3/org/project/r', 'https://dev.azure.com/org/project/_git/r'],
    ['git@forge.example:o/r?x#y', 'https://forge.example/o/r%3Fx%23y'],
    ['git@bücher.example:o/r', 'https://xn--bcher-kva.example/o/r'],
  ])('%j is %s', (text, url) => {
    expect(urlOf(text)).toBe(url);
  });

  it.each([
    '',
    ' ',
    'r',
    'a/b/c',
    '/srv/r.git',
    './r',
    '../o/r',
    'o/..',
    '~/r',
    String.raw`C:\r`,
    'C:/r',
    'file:///srv/r.git',
    'ext::sh -c id',
    'fd::17',
    'ftp://example.org/r',
    'https://',
    'https:///r',
    'ssh://git@example.org',
    '--upload-pack=id',
    '-oProxyCommand=id',
    'git@-oProxyCommand=id:o/r',
    'ssh://-oProxyCommand=id/o/r',
    'github:o/r',
    'https://exa mple.org/r',
    'https://example.org/\u0000',
    'git@example.org:o/\nr',
  ])('%j is none, in words that say what is', (text) => {
    expect(readGitRepo(text)).toEqual({ problem: expect.stringMatching(/^must name a repository: https:\/\/HOST/) });
  });

  it.each(['https://alice@example.org/r', 'https://alice:canary@example.org/r', 'alice:canary@example.org/r'])(
    '%s is refused for its credential, which is not repeated',
    (text) => {
      const read = readGitRepo(text);
      expect(read).toEqual({ problem: expect.not.stringContaining('canary') });
    },
  );

  it('with a password in an SSH address is refused', () => {
    expect(readGitRepo('ssh://git:canary@example.org/r')).toEqual({ problem: expect.stringContaining('password') });
  });

  const word = fc.stringMatching(/^[a-z0-9._~:@/\\+-]{0,12}$/);
  const odd = fc.constantFrom(
    '',
    'ext::',
    'file://',
    '-',
    '--',
    '/',
    'git@',
    'ssh://',
    'https://',
    '://',
    ':',
    '@',
    '\0',
    '\n',
    ' ',
    '%2e',
    '[::1]',
  );
  const generated = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.tuple(odd, word, odd, word, odd, word).map((parts) => parts.join('')),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
  );

  it('of any form is refused, or an http(s) URL without a credential, which is read as itself', () => {
    fc.assert(
      fc.property(generated, (text) => {
        const parsed = workspace.safeParse({ type: 'ephemeral', git_repo: text });
        const url = urlOf(text);
        if (!parsed.success) {
          expect(text.length > 2048 || url === null).toBe(true);
          return;
        }
        if (url === null) throw new Error('it was taken, and is none');
        expect(url).toMatch(/^https?:\/\/[^\s-]/);
        const { username, password, protocol, hash } = new URL(url);
        expect([username, password, hash, /^https?:$/.test(protocol)]).toEqual(['', '', '', true]);
        expect(urlOf(url)).toBe(url);
        expect(isSameRepo(url, text)).toBe(true);
        // What is stored is what was written, so a request that comes again is the same.
        expect(parsed.data).toEqual({ type: 'ephemeral', git_repo: text.trim() });
      }),
    );
  });

  it('is the same however its address is written, and not another one', () => {
    expect(isSameRepo('git@github.com:o/r.git', 'https://github.com/o/r')).toBe(true);
    expect(isSameRepo('ssh://git@forge.example:2222/o/r', 'https://forge.example:8443/o/r/')).toBe(true);
    expect(isSameRepo('https://forge.example/o/r', 'https://forge.example:8443/o/r')).toBe(false);
    expect(isSameRepo('https://github.com/o/r', 'https://github.com/o/r2')).toBe(false);
    expect(isSameRepo('/srv/r.git', '/srv/r.git')).toBe(false);
    expect(isSameRepo('', 'https://github.com/o/r')).toBe(false);
  });
});

describe('a workspace', () => {
  const git_repo = 'o/r';

  it.each(['main', 'v1.2.3', 'refs/heads/x', 'refs/tags/x', 'refs/pull/1/head', 'deadbeef', 'f'.repeat(40)])(
    'takes %s as what is checked out',
    (git_branch) => {
      expect(workspace.safeParse({ type: 'ephemeral', git_repo, git_branch }).success).toBe(true);
    },
  );

  it.each([
    [{ git_branch: '-x' }, 'git_branch'],
    [{ git_branch: 'a..b' }, 'git_branch'],
    [{ git_branch: 'HEAD~1' }, 'git_branch'],
    [{ git_depth: 0 }, 'git_depth'],
    [{ git_depth: 1.5 }, 'git_depth'],
    [{ git_depth: '1' }, 'git_depth'],
    [{ git_submodules: 'no' }, 'git_submodules'],
  ])('refuses %j', (given, path) => {
    const parsed = workspace.safeParse({ type: 'persistent', git_repo, ...given });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });

  it.each([{ git_branch: 'main' }, { git_depth: 1 }, { git_submodules: false }])(
    'refuses %j without a repository',
    (given) => {
      const parsed = workspace.safeParse({ type: 'ephemeral', ...given });
      expect(parsed.error?.issues).toMatchObject([{ message: 'needs a git_repo', path: Object.keys(given) }]);
    },
  );
});
