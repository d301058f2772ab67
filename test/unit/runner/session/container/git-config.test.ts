import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Launch } from '../../../../../protocol/link/runner-control.ts';
import type { Workspace } from '../../../../../protocol/api/files/workspace.ts';
import { parseRule, type Rule } from '../../../../../runner/egress/policy/rule.ts';
import type { WireSecret } from '../../../../../runner/secrets/secret.ts';
import { gitConfig, gitLaunch } from '../../../../../runner/session/container/git-config.ts';
import type { EgressPlan } from '../../../../../runner/session/container/session-egress.ts';
import { NEW_FILES } from '../../../../support/runner/running-runner.ts';
import { scratch } from '../../../../support/scratch.ts';

const rule = (text: string): Rule => {
  const parsed = parseRule(text);
  if (parsed === undefined) throw new Error(`no rule: ${text}`);
  return parsed;
};
const secret = (as: WireSecret['as'], ...hosts: string[]): WireSecret => ({
  kind: 'wire',
  name: 'a',
  hosts: hosts.map(rule),
  as,
  http: false,
  reveal: () => 'canary',
});

function launch(git: Partial<Extract<Workspace, { type: 'ephemeral' }>>, start: string | null = null): Launch {
  return {
    workspace: { type: 'ephemeral', ...git },
    files: { ...NEW_FILES, start },
    git_author: { name: 'Alice "A" \\ Ö', email: 'alice@example.org' },
  } as Launch;
}

const plan = (wire: WireSecret[] = [], forwards: { host: string; port: number }[] = []) =>
  ({ wire, forwards }) as unknown as EgressPlan;

/** What git reads from the configuration. */
function read(config: string, ...args: string[]): string {
  const file = path.join(scratch(), 'gitconfig');
  writeFileSync(file, config);
  const env = { PATH: process.env['PATH'], GIT_CONFIG_SYSTEM: file, GIT_CONFIG_GLOBAL: '/dev/null' };
  return execFileSync('git', args, { cwd: path.dirname(file), env, encoding: 'utf8' }).trim();
}

test.each([
  ['o/r', [], 'https://github.com/o/r'],
  ['git@forge.test:o/r.git', [], 'https://forge.test/o/r.git'],
  ['git@forge.test:o/r.git', [secret('git', 'forge.test')], 'https://forge.test/o/r.git'],
  ['ssh://git@forge.test:2222/o/r', [secret('git', 'forge.test:8443')], 'https://forge.test:8443/o/r'],
  ['git@forge.test:o/r', [secret('gitea', 'forge.test:8443')], 'https://forge.test:8443/o/r'],
  ['git@forge.test:o/r', [secret('bearer', 'forge.test:8443')], 'https://forge.test/o/r'],
  ['https://forge.test/o/r', [secret('git', 'forge.test:8443')], 'https://forge.test/o/r'],
])('%s is cloned from where a git secret leads', (git_repo, wire, url) => {
  expect(gitLaunch(launch({ git_repo }), plan(wire))).toMatchObject({ repo: url });
});

test('the wrapper is told what to check out, how deep, and whether the workspace began with files', () => {
  const given = { git_repo: 'o/r', git_branch: 'v1', git_depth: 2, git_submodules: false };
  const told = gitLaunch(launch(given, crypto.randomUUID()), plan());
  expect(told).toMatchObject({ branch: 'v1', depth: 2, submodules: false, has_files: true });
  expect(gitLaunch(launch({ git_repo: 'o/r' }), plan())).toMatchObject({ has_files: false });
  expect(gitLaunch(launch({}), plan())).toBeUndefined();
});

test('of several the wrapper is told where each goes; of one with the workspace for itself, as ever', () => {
  const wire = [secret('git', 'forge.test:8443')];
  const git = [
    { repo: 'o/web', branch: 'v1' },
    { repo: 'git@forge.test:o/api', path: 'libs/api', depth: 1 },
  ];
  const rules = { has_files: false, rewrites: expect.any(Array) };
  expect(gitLaunch(launch({ git }), plan(wire))).toEqual({
    repositories: [
      { repo: 'https://github.com/o/web', path: 'web', branch: 'v1' },
      { repo: 'https://forge.test:8443/o/api', path: 'libs/api', depth: 1 },
    ],
    ...rules,
  });
  expect(gitLaunch(launch({ git_repo: 'o/r', git: [] }), plan())).toEqual({ repo: 'https://github.com/o/r', ...rules });
  const root = gitLaunch(launch({ git_repo: 'o/r', git: [{ repo: 'o/s' }] }), plan());
  expect(root).toMatchObject({ repositories: [{ path: '.' }, { path: 's' }] });
});

test('SSH addresses of each repository’s host lead to HTTPS, on the port of the first that names one', () => {
  const git = [
    { repo: 'ssh://git@one.test:2222/o/a' },
    { repo: 'https://two.test:8443/o/b' },
    { repo: 'two.test/o/c' },
  ];
  const config = gitConfig(launch({ git }), plan(), true);
  const toOf = (url: string) => read(config, 'ls-remote', '--get-url', url);
  expect(toOf('ssh://git@one.test:2222/o/x')).toBe('https://one.test/o/x');
  expect(toOf('git@two.test:o/x')).toBe('https://two.test:8443/o/x');
});

test('git takes the author, and HTTPS for SSH, where nothing else says', () => {
  const wire = [secret('git', 'forge.test:8443')];
  const config = gitConfig(launch({ git_repo: 'ssh://git@own.test:2222/o/r' }), plan(wire), true);
  expect(read(config, 'var', 'GIT_AUTHOR_IDENT')).toMatch(/^Alice "A" \\ Ö <alice@example\.org> /);
  const toOf = (url: string) => read(config, 'ls-remote', '--get-url', url);
  expect(toOf('git@github.com:o/r.git')).toBe('https://github.com/o/r.git');
  expect(toOf('ssh://git@ssh.github.com:443/o/r')).toBe('https://github.com/o/r');
  expect(toOf('git@forge.test:o/r')).toBe('https://forge.test:8443/o/r');
  expect(toOf('ssh://git@own.test:2222/o/r')).toBe('https://own.test/o/r');
  expect(toOf('git@elsewhere.test:o/r')).toBe('git@elsewhere.test:o/r');
  expect(config).not.toContain('canary');
});

const leadsTo = (config: string) => read(config, 'ls-remote', '--get-url', 'git@github.com:o/r');

test('where a session may speak SSH, or is not sealed, its addresses stay', () => {
  const forwards = [{ host: 'github.com', port: 22 }];
  expect(leadsTo(gitConfig(launch({}), plan([], forwards), true))).toBe('git@github.com:o/r');
  expect(leadsTo(gitConfig(launch({}), plan(), false))).toBe('git@github.com:o/r');
  expect(leadsTo(gitConfig(launch({}), plan(), true))).toBe('https://github.com/o/r');
});
