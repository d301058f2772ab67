import { WORKSPACE } from '../../protocol/git/repository-path.ts';
import {
  type ClonedRepository,
  clonedRepositories,
  type WrapperLaunch,
} from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';
import { type CloneEnd, GitClone } from './git-clone.ts';
import { Git } from './git.ts';
import { UnfinishedClone } from './unfinished.ts';

type GitLaunch = NonNullable<WrapperLaunch['git']>;
type CloneFailed = Extract<CloneEnd, { notice: 'clone_failed' }>;

/** Characters of a failure, with what it is of. */
const DETAIL_CHARACTERS = 8192;

/** Brings the repositories of a workspace into it, one after the other. The first that fails ends that. */
export class WorkspaceClones {
  /** What was said last, and is not notified; null: it was killed. */
  readonly ended: Promise<CloneEnd | null>;
  readonly #launch: GitLaunch;
  readonly #workspace: string;
  readonly #git: Git;
  readonly #notify: (notice: WrapperNotice) => void;

  /** @param notify gets what there is to say before the end */
  constructor(
    { cwd, env }: Pick<WrapperLaunch, 'cwd' | 'env'>,
    git: GitLaunch,
    notify: (notice: WrapperNotice) => void,
  ) {
    this.#workspace = cwd;
    this.#launch = git;
    this.#git = new Git(env, git.rewrites ?? []);
    this.#notify = notify;
    this.ended = this.#run();
  }

  /** Kills git and all that it has started. */
  kill(): void {
    this.#git.kill();
  }

  async #run(): Promise<CloneEnd | null> {
    let last: Exclude<CloneEnd, CloneFailed> | undefined;
    let cloned = false;
    for (const repository of await this.#inOrder()) {
      if (last !== undefined) this.#notify({ ...last, more: true });
      const { repo, path } = repository;
      this.#notify({ notice: 'cloning', repo, ...(path !== WORKSPACE && { path }) });
      const hasFiles = this.#launch.has_files ?? false;
      const end = await new GitClone(this.#git, { workspace: this.#workspace, repository, hasFiles }).run();
      if (this.#git.stopped) return null;
      if (end.notice === 'clone_failed') return this.#ofSeveral(end, repository);
      last = cloned && end.notice !== 'cloned' ? { ...end, after_clone: true } : end;
      cloned ||= end.notice === 'cloned';
    }
    return last ?? null;
  }

  /** The repositories. One that is whole, and was being moved when its container ended, comes first. */
  async #inOrder(): Promise<ClonedRepository[]> {
    const repositories = clonedRepositories(this.#launch);
    const whole = await new UnfinishedClone(this.#workspace).whole();
    const isFirst = ({ path }: ClonedRepository) => path === whole?.path;
    return [...repositories.filter((one) => isFirst(one)), ...repositories.filter((one) => !isFirst(one))];
  }

  /** With one repository, git's own words say which. */
  #ofSeveral(end: CloneFailed, { repo, path }: ClonedRepository): CloneFailed {
    if (clonedRepositories(this.#launch).length === 1) return end;
    const of = `${maskCredentials(repo)} was not cloned into ${path === WORKSPACE ? 'the workspace' : `"${path}"`}: `;
    return { ...end, detail: of + end.detail.slice(-(DETAIL_CHARACTERS - of.length)) };
  }
}
