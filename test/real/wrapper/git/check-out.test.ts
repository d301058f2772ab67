import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Forge } from '../../../support/wrapper/forge.ts';

let forge: Forge;
let commits: Commits;

beforeAll(async () => {
  forge = await Forge.start();
  commits = fill(forge);
});
beforeEach(() => forge.freshWorkspace());
afterAll(async () => await forge?.[Symbol.asyncDispose]());

/** `main` with two commits, a branch, tags, and a commit that only a pull request's ref names. */
function fill(forge: Forge) {
  const [first = '', second = ''] = forge.repository('repo', { a: 'one' }, { a: 'two' });
  forge.git('repo', 'checkout', '-q', '-b', 'topic/x');
  forge.git('repo', 'commit', '-q', '--allow-empty', '-m', 'topic');
  const topic = forge.git('repo', 'rev-parse', 'HEAD');
  forge.git('repo', 'tag', 'v1', first);
  forge.git('repo', 'tag', '-a', 'noted', '-m', 'noted', first);
  // A branch of the same name as a tag.
  forge.git('repo', 'tag', 'twice', first);
  forge.git('repo', 'branch', 'twice', second);
  forge.git('repo', 'checkout', '-q', '--detach');
  forge.git('repo', 'commit', '-q', '--allow-empty', '-m', 'of a pull request');
  const pull = forge.git('repo', 'rev-parse', 'HEAD');
  forge.git('repo', 'update-ref', 'refs/pull/1/head', pull);
  forge.git('repo', 'commit', '-q', '--allow-empty', '-m', 'not named');
  const hidden = forge.git('repo', 'rev-parse', 'HEAD');
  forge.git('repo', 'checkout', '-q', 'main');
  return { first, second, topic, pull, hidden };
}

type Commits = ReturnType<typeof fill>;
type Case = [what: string, branch: (commits: Commits) => string, is: keyof Commits, head: string];

const CASES: Case[] = [
  ['a branch', () => 'topic/x', 'topic', 'topic/x'],
  ['a branch in full', () => 'refs/heads/topic/x', 'topic', 'topic/x'],
  ['HEAD', () => 'HEAD', 'second', 'main'],
  ['a tag', () => 'v1', 'first', ''],
  ['a tag in full', () => 'refs/tags/v1', 'first', ''],
  ['an annotated tag in full', () => 'refs/tags/noted', 'first', ''],
  ['a branch that has a tag’s name', () => 'twice', 'second', 'twice'],
  ['a tag that has a branch’s name', () => 'refs/tags/twice', 'first', ''],
  ['a pull request', () => 'refs/pull/1/head', 'pull', ''],
  ['a commit', ({ first }) => first, 'first', ''],
  ['a commit that no branch leads to', ({ hidden }) => hidden, 'hidden', ''],
];

test.each([...CASES, ['a commit by its beginning', ({ topic }) => topic.slice(0, 8), 'topic', ''] satisfies Case])(
  '%s is checked out, with its whole history',
  async (_, branch, is, head) => {
    expect(await forge.clone('repo', { branch: branch(commits) })).toMatchObject({
      notice: 'cloned',
      commit: commits[is],
    });
    expect(forge.here('branch', '--show-current')).toBe(head);
    expect(forge.here('rev-parse', '--is-shallow-repository')).toBe('false');
    expect(forge.here('status', '--porcelain')).toBe('');
    expect(forge.here('rev-list', '--max-parents=0', 'HEAD')).toBe(commits.first);
  },
);

const SHALLOW = ['a branch', 'a tag', 'a tag in full', 'a pull request', 'a commit that no branch leads to'];

test.each(CASES.filter(([what]) => SHALLOW.includes(what)))(
  '%s is checked out alone with a depth of 1',
  async (_, branch, is, head) => {
    expect(await forge.clone('repo', { branch: branch(commits), depth: 1 })).toMatchObject({ commit: commits[is] });
    expect(forge.here('branch', '--show-current')).toBe(head);
    expect(forge.here('rev-list', '--count', 'HEAD')).toBe('1');
    expect(forge.here('remote', 'get-url', 'origin')).toBe(`${forge.url}/repo`);
  },
);

test('a depth is that many commits', async () => {
  await forge.clone('repo', { branch: 'topic/x', depth: 2 });
  expect(forge.here('rev-list', '--count', 'HEAD')).toBe('2');
});

test.each([
  ['nowhere', undefined, /Remote branch nowhere not found/],
  ['refs/heads/v1', undefined, /no branch "v1".*refs\/tags\/v1/],
  ['refs/tags/nowhere', undefined, /couldn't find remote ref refs\/tags\/nowhere/],
  ['deadbeef', undefined, /no branch and no tag "deadbeef".*all of its digits/],
  ['deadbeef', 1, /git_depth needs all of its digits/],
  ['f'.repeat(40), undefined, /not our ref f{40}/],
])('%s (depth %s), which is not there, is a failure that says so, and leaves nothing', async (branch, depth, words) => {
  expect(await forge.clone('repo', { branch, ...(depth !== undefined && { depth }) })).toMatchObject({
    notice: 'clone_failed',
    detail: expect.stringMatching(words),
  });
  expect(existsSync(path.join(forge.workspace, '.cc-docker-clone'))).toBe(false);
  expect(existsSync(path.join(forge.workspace, '.git'))).toBe(false);
});
