import * as z from 'zod';
import { MAX_GIT_URL, readGitRepo } from './git-repo.ts';
import { isWithin, pathProblem, repositoryName } from './repository-path.ts';

/** Most repositories of one workspace. */
export const MAX_REPOSITORIES = 16;
/** The greatest depth that git takes. */
const MAX_GIT_DEPTH = 2_147_483_647;

/**
 * The repository to clone, in a form that people use (`protocol/git/git-repo.ts`). It is kept as it was written; the log
 * names what was cloned. It must hold no credential: the runner's secrets are for that (`config.secrets`).
 */
export const gitRepo = z
  .string()
  .trim()
  .max(MAX_GIT_URL)
  .superRefine((text, context) => {
    const read = readGitRepo(text);
    if ('problem' in read) context.addIssue({ code: 'custom', message: read.problem });
  });

/**
 * What is checked out: a branch, a tag, a commit, or a ref in full. It keeps the rules of git-check-ref-format by which it
 * cannot be read as an option or an expression.
 */
export const gitBranch = z
  .string()
  .max(255)
  .regex(
    /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$|[/.]$))[^\p{Cc}\s~^:?*[\\]+$/u,
    'must be the name of a branch or a tag, a commit’s hexadecimal digits, or a ref such as refs/pull/1/head',
  );

/** Commits to fetch of each branch, the newest first. Absent: all. */
export const gitDepth = z.int().min(1).max(MAX_GIT_DEPTH);

const gitPath = z.string().superRefine((path, context) => {
  const problem = pathProblem(path);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

/** One of several repositories of a workspace. */
const repository = z.strictObject({
  repo: gitRepo,
  branch: gitBranch.optional(),
  /** The folder of the workspace that it is cloned into; `.`: the workspace itself. Absent: one of the repository's name. */
  path: gitPath.optional(),
  depth: gitDepth.optional(),
  /** False: submodules are not fetched. */
  submodules: z.boolean().optional(),
});
export type Repository = z.infer<typeof repository>;

/** A repository with the folder that it has in the workspace. */
export interface PlacedRepository extends Repository {
  readonly path: string;
}

/** Something wrong with one of several repositories. `index`: which. */
export interface RepositoryProblem {
  readonly index: number;
  readonly message: string;
}

/** The repositories with their folders; or the first thing that is wrong with those. */
export function placeRepositories(list: readonly Repository[]): PlacedRepository[] | RepositoryProblem {
  const placed: PlacedRepository[] = [];
  for (const [index, given] of list.entries()) {
    const path = given.path ?? nameOf(given.repo);
    if (path === null) return { index, message: 'needs a path: the repository’s name will not do for a folder' };
    const same = placed.find((other) => other.path === path);
    if (same !== undefined) return { index, message: `has the folder of another repository, ${path}: give it a path` };
    const inner = placed.find((other) => isWithin(other.path, path));
    if (inner !== undefined)
      return { index, message: `has a folder around that of a repository before it, ${inner.path}: name it first` };
    placed.push({ ...given, path });
  }
  return placed;
}

function nameOf(repo: string): string | null {
  const read = readGitRepo(repo);
  return 'problem' in read ? null : repositoryName(read.url);
}

/** The repositories of one workspace, in the order in which they are cloned: one within another's folder comes after that. */
export const repositories = z
  .array(repository)
  .max(MAX_REPOSITORIES, `must be at most ${MAX_REPOSITORIES} repositories`)
  .superRefine((list, context) => {
    const placed = placeRepositories(list);
    if ('message' in placed)
      context.addIssue({ code: 'custom', path: [placed.index, 'path'], message: placed.message });
  });
