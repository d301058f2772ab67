import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { isSameRepo } from '../../protocol/git/git-repo.ts';
import { WORKSPACE } from '../../protocol/git/repository-path.ts';
import type { ClonedRepository } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { clip } from '../lib/clip.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';
import { checkOut } from './check-out.ts';
import type { Git } from './git.ts';
import { layOver } from './lay-over.ts';
import { lastLine, LeftOutList } from './left-out.ts';
import { fetchLfs } from './lfs.ts';
import { makeOwnFolder } from './own-folder.ts';
import { fetchSubmodules } from './submodules.ts';
import { UnfinishedClone } from './unfinished.ts';

const DETAIL_CHARACTERS = 8192;
const WHY_CHARACTERS = 2048;

type Notice<N extends WrapperNotice['notice']> = Extract<WrapperNotice, { notice: N }>;
/** How the clone of a repository ended. */
export type CloneEnd = Notice<'cloned' | 'fetched' | 'clone_skipped' | 'clone_failed'>;

export interface GitCloneOptions {
  readonly workspace: string;
  readonly repository: ClonedRepository;
  /** The workspace began with files, which are no uploads: nothing is laid under them. */
  readonly hasFiles: boolean;
}

/**
 * Brings a repository into its folder of the workspace, and loses no file that is there. It is cloned into a folder apart,
 * and moved out of that once it is whole. What is there by then stays in place of what the repository has under that name:
 * uploads are welcome at any time. A workspace that began with files keeps them: of the same repository, git only fetches.
 */
export class GitClone {
  readonly #git: Git;
  readonly #repository: ClonedRepository;
  readonly #workspace: string;
  readonly #hasFiles: boolean;
  /** The repository's folder, in full. */
  readonly #folder: string;
  readonly #unfinished: UnfinishedClone;

  constructor(git: Git, { workspace, repository, hasFiles }: GitCloneOptions) {
    this.#git = git;
    this.#repository = repository;
    this.#workspace = workspace;
    this.#hasFiles = hasFiles;
    this.#folder = path.join(workspace, repository.path);
    this.#unfinished = new UnfinishedClone(workspace);
  }

  /** Where this repository comes from, and where it goes to. */
  get #place() {
    const { repo, path: at } = this.#repository;
    return { repo, ...(at !== WORKSPACE && { path: at }) };
  }

  /** The folder as people call it. */
  get #named(): string {
    const { path: at } = this.#repository;
    return at === WORKSPACE ? 'The workspace' : `The folder "${at}"`;
  }

  /** Once git was killed, what this says means nothing. */
  async run(): Promise<CloneEnd> {
    const began = performance.now();
    const end = await this.#bring().catch((error: unknown) =>
      this.#failed(`The clone cannot be put in place: ${String(error)}`),
    );
    if (end.notice !== 'cloned' && end.notice !== 'fetched') return end;
    return { ...end, ms: Math.round(performance.now() - began) };
  }

  async #bring(): Promise<CloneEnd> {
    if ((await this.#unfinished.whole())?.path === this.#repository.path) return await this.#moveOut();
    await this.#unfinished.remove();
    const inTheWay = await makeOwnFolder(this.#workspace, this.#repository.path);
    if (inTheWay !== null) return this.#skipped(`"${inTheWay}" is a file or a link, and stays as it is.`);
    const origin = await this.#origin();
    if (origin !== null) return await this.#fetch(origin);
    if (this.#hasFiles && (await readdir(this.#folder)).length > 0)
      return this.#skipped(
        `${this.#named} has files already, and they are no clone of a repository. They stay as they are.`,
      );
    return await this.#clone();
  }

  async #clone(): Promise<CloneEnd> {
    const git = this.#git;
    const { repo, branch, depth, submodules = true } = this.#repository;
    const { folder, tree } = this.#unfinished;
    await mkdir(folder);
    const cloned = await checkOut(git, { repo, branch, depth, into: tree, cwd: folder });
    if (!cloned.ok) {
      await this.#unfinished.remove();
      return this.#failed(cloned.detail);
    }
    const leftOut = new LeftOutList();
    const root = { cwd: tree, prefix: '' };
    const within = submodules ? await fetchSubmodules(git, root, depth, leftOut) : [];
    for (const place of [root, ...within]) await fetchLfs(git, place, leftOut);
    // A kill cuts these short. What is in the folder then is not whole.
    if (git.stopped) return this.#failed('It was stopped.');
    await this.#unfinished.isWhole(this.#repository.path, leftOut);
    return await this.#moveOut();
  }

  /** Moves a clone that is whole to where it belongs; or goes on with that, if it was cut short. */
  async #moveOut(): Promise<CloneEnd> {
    const says = await this.#unfinished.whole();
    const leftOut = new LeftOutList(says?.left_out, says?.left_out_count);
    const inTheWay = await makeOwnFolder(this.#workspace, this.#repository.path);
    if (inTheWay !== null) {
      await this.#unfinished.remove();
      return this.#skipped(`"${inTheWay}" is a file or a link, and stays as it is.`);
    }
    const { tree } = this.#unfinished;
    if (existsSync(tree)) await layOver(tree, this.#folder, leftOut);
    // Read before the folder goes: a crash in between repeats it.
    const commit = await this.#head();
    await this.#unfinished.remove();
    const { items: left_out, count: left_out_count } = leftOut;
    return { notice: 'cloned', ...this.#place, commit, ms: 0, ...(left_out_count > 0 && { left_out, left_out_count }) };
  }

  /** The folder is a clone already. Nothing but what git keeps for itself changes. */
  async #fetch(origin: string): Promise<CloneEnd> {
    const { repo } = this.#repository;
    const shown = maskCredentials(origin);
    if (!isSameRepo(origin, repo))
      return this.#skipped(`${this.#named} is a clone of another repository, ${shown}. It stays as it is.`);
    // What an earlier session left in the repository's hooks does not run.
    const noHooks = ['-c', 'core.hooksPath=/dev/null'];
    const fetched = await this.#inFolder(...noHooks, 'fetch', '--no-recurse-submodules', 'origin');
    if (!fetched.ok)
      return this.#skipped(
        `${this.#named} is a clone of it already, and git cannot fetch what is new: ${lastLine(fetched.detail)}`,
      );
    const commit = await this.#head();
    // A workspace that began empty has it from a launch that was cut short afterwards.
    return { notice: this.#hasFiles ? 'fetched' : 'cloned', ...this.#place, commit, ms: 0 };
  }

  /** The URL that the repository in the folder came from, empty if it has none; null: there is no repository. */
  async #origin(): Promise<string | null> {
    if (!existsSync(path.join(this.#folder, '.git'))) return null;
    const isRepository = await this.#inFolder('rev-parse', '--git-dir');
    if (!isRepository.ok) return null;
    const url = await this.#inFolder('config', '--get', 'remote.origin.url');
    return url.ok ? url.output.trim() : '';
  }

  /** The commit that is checked out; empty: an empty repository has none. */
  async #head(): Promise<string> {
    const head = await this.#inFolder('rev-parse', '--verify', '--quiet', 'HEAD');
    return head.ok ? head.output.trim().slice(0, 64) : '';
  }

  /** Runs git on the folder's own repository, and never on one around it. */
  #inFolder(...args: string[]) {
    const cwd = this.#folder;
    return this.#git.run(args, { cwd, env: { GIT_CEILING_DIRECTORIES: path.dirname(cwd) } });
  }

  #failed(detail: string): Notice<'clone_failed'> {
    return {
      notice: 'clone_failed',
      ...this.#place,
      detail: maskCredentials(detail).slice(-DETAIL_CHARACTERS),
    };
  }

  #skipped(detail: string): Notice<'clone_skipped'> {
    return { notice: 'clone_skipped', ...this.#place, detail: clip(maskCredentials(detail), WHY_CHARACTERS) };
  }
}
