import { mkdir } from 'node:fs/promises';
import { readGitRef } from '../../protocol/git/git-ref.ts';
import type { Git, GitFailure, GitResult } from './git.ts';

export interface CheckOutOptions {
  readonly repo: string;
  /** A branch, a tag, a commit, or a ref in full. */
  readonly branch?: string | undefined;
  /** Commits of each branch; absent: all. */
  readonly depth?: number | undefined;
  /** Where it is cloned: a folder that is not there. */
  readonly into: string;
  /** A folder that is there. */
  readonly cwd: string;
}

const failed = (detail: string): GitFailure => ({ ok: false, detail });

/** Clones a repository and checks out what is asked for. */
export async function checkOut(git: Git, options: CheckOutOptions): Promise<GitResult> {
  const { branch } = options;
  // `HEAD` is what is checked out anyway.
  if (branch === undefined || branch === 'HEAD') return await clone(git, options);
  const ref = readGitRef(branch);
  switch (ref.kind) {
    case 'branch':
      return await cloneBranch(git, options, ref.name);
    case 'name':
      return await clone(git, options, ['--branch', ref.name]);
    case 'ref':
      return await fetchAndCheckOut(git, options, ref.name);
    case 'commit':
      break;
  }
  const named = await clone(git, options, ['--branch', ref.name]);
  if (named.ok || !/Remote branch .* not found/.test(named.detail)) return named;
  return ref.whole ? await cloneCommit(git, options, ref.name) : await cloneShortened(git, options, ref.name);
}

function clone(
  git: Git,
  { repo, depth, into, cwd }: CheckOutOptions,
  more: readonly string[] = [],
): Promise<GitResult> {
  const shallow = depth === undefined ? [] : ['--depth', String(depth)];
  return git.run(['clone', ...shallow, ...more, '--', repo, into], { cwd });
}

/** `git clone --branch` takes tags too, and this is to be a branch. */
async function cloneBranch(git: Git, options: CheckOutOptions, name: string): Promise<GitResult> {
  const cloned = await clone(git, options, ['--branch', name]);
  if (!cloned.ok) return cloned;
  const head = await git.run(['symbolic-ref', '--quiet', 'HEAD'], { cwd: options.into });
  if (head.ok && head.output.trim() === `refs/heads/${name}`) return cloned;
  return failed(`The repository has no branch "${name}": it is a tag. Name it refs/tags/${name}.`);
}

async function cloneCommit(git: Git, options: CheckOutOptions, commit: string): Promise<GitResult> {
  if (options.depth !== undefined) return await fetchAndCheckOut(git, options, commit);
  const cloned = await clone(git, options, ['--no-checkout']);
  if (!cloned.ok) return cloned;
  const { into: cwd } = options;
  const known = await git.run(['cat-file', '-e', `${commit}^{commit}`], { cwd });
  // No branch and no tag leads to it. Most servers give it out all the same.
  const fetched = known.ok ? known : await git.run(['fetch', 'origin', commit], { cwd });
  return fetched.ok ? await detach(git, cwd, commit) : fetched;
}

async function cloneShortened(git: Git, options: CheckOutOptions, commit: string): Promise<GitResult> {
  if (options.depth !== undefined) {
    const detail = `The repository has no branch and no tag "${commit}". A commit that is fetched with git_depth needs all of its digits.`;
    return failed(detail);
  }
  const cloned = await clone(git, options, ['--no-checkout']);
  if (!cloned.ok) return cloned;
  const { into: cwd } = options;
  const found = await git.run(['rev-parse', '--verify', '--quiet', `${commit}^{commit}`], { cwd });
  if (found.ok) return await detach(git, cwd, found.output.trim());
  return failed(
    `The repository has no branch and no tag "${commit}", and none that leads to one commit of that beginning. Name the commit with all of its digits.`,
  );
}

/** Fetches one ref or commit, and checks it out as it is, without a branch. */
async function fetchAndCheckOut(git: Git, options: CheckOutOptions, ref: string): Promise<GitResult> {
  const { depth, repo, into: cwd } = options;
  const begun = depth === undefined ? await clone(git, options, ['--no-checkout']) : await begin(git, cwd, repo);
  if (!begun.ok) return begun;
  const shallow = depth === undefined ? [] : ['--depth', String(depth)];
  const spec = ref.startsWith('refs/tags/') ? `+${ref}:${ref}` : ref;
  const fetched = await git.run(['fetch', ...shallow, 'origin', spec], { cwd });
  return fetched.ok ? await detach(git, cwd, 'FETCH_HEAD') : fetched;
}

/** A repository that has nothing yet. */
async function begin(git: Git, cwd: string, repo: string): Promise<GitResult> {
  await mkdir(cwd);
  const made = await git.run(['-c', 'init.defaultBranch=main', 'init', '--quiet'], { cwd });
  return made.ok ? await git.run(['remote', 'add', '--', 'origin', repo], { cwd }) : made;
}

const detach = (git: Git, cwd: string, commit: string) => git.run(['checkout', '--quiet', '--detach', commit], { cwd });
