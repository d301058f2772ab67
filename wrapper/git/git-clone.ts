import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { CLONE_DONE, CLONE_FOLDER, CLONE_TREE } from '../../protocol/git/clone-folder.ts';
import { isSameRepo } from '../../protocol/git/git-repo.ts';
import { leftOut as leftOutItems } from '../../protocol/git/left-out.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper-notice.ts';
import { clip } from '../lib/clip.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';
import { checkOut } from './check-out.ts';
import { Git } from './git.ts';
import { layOver } from './lay-over.ts';
import { lastLine, LeftOutList } from './left-out.ts';
import { fetchLfs } from './lfs.ts';
import { fetchSubmodules } from './submodules.ts';

const DETAIL_CHARACTERS = 8192;
const WHY_CHARACTERS = 2048;

type Notice<N extends WrapperNotice['notice']> = Extract<WrapperNotice, { notice: N }>;
/** How the clone ended; null: it was killed. */
export type CloneEnd = Notice<'cloned' | 'fetched' | 'clone_skipped' | 'clone_failed'> | null;
type GitLaunch = NonNullable<WrapperLaunch['git']>;

/** What `CLONE_DONE` says of a clone that is whole, and may have been moved in part. */
const done = z.object({ left_out: leftOutItems, left_out_count: z.int().min(0) });

/**
 * Brings a repository into the working directory, and loses no file that is there. It is cloned into a folder of its own,
 * and moved out of that once it is whole. What is there by then stays in place of what the repository has under that name:
 * uploads are welcome at any time. A workspace that began with files keeps them: of the same repository, git only fetches.
 */
export class GitClone {
  readonly ended: Promise<CloneEnd>;
  readonly #cwd: string;
  readonly #launch: GitLaunch;
  readonly #git: Git;

  constructor({ cwd, env }: Pick<WrapperLaunch, 'cwd' | 'env'>, git: GitLaunch) {
    this.#cwd = cwd;
    this.#launch = git;
    this.#git = new Git(env, git.rewrites ?? []);
    this.ended = this.#run();
  }

  /** Kills git and all that it has started. */
  kill(): void {
    this.#git.kill();
  }

  async #run(): Promise<CloneEnd> {
    const began = performance.now();
    const end = await this.#bring().catch((error: unknown) =>
      failed(`The clone cannot be put in place: ${String(error)}`),
    );
    if (this.#git.stopped) return null;
    if (end.notice !== 'cloned' && end.notice !== 'fetched') return end;
    return { ...end, ms: Math.round(performance.now() - began) };
  }

  async #bring(): Promise<NonNullable<CloneEnd>> {
    const { repo, has_files = false } = this.#launch;
    const folder = path.join(this.#cwd, CLONE_FOLDER);
    if (existsSync(path.join(folder, CLONE_DONE))) return await this.#moveOut(folder);
    await rm(folder, { recursive: true, force: true });
    const origin = await this.#origin();
    if (origin !== null) return await this.#fetch(origin);
    if (has_files && (await readdir(this.#cwd)).length > 0)
      return skipped(
        repo,
        'The workspace has files already, and they are no clone of a repository. They stay as they are.',
      );
    return await this.#clone(folder);
  }

  async #clone(folder: string): Promise<NonNullable<CloneEnd>> {
    const git = this.#git;
    const { repo, branch, depth, submodules = true } = this.#launch;
    const tree = path.join(folder, CLONE_TREE);
    await mkdir(folder);
    const cloned = await checkOut(git, { repo, branch, depth, into: tree, cwd: folder });
    if (!cloned.ok) {
      await rm(folder, { recursive: true, force: true });
      return failed(cloned.detail);
    }
    const leftOut = new LeftOutList();
    const root = { cwd: tree, prefix: '' };
    const within = submodules ? await fetchSubmodules(git, root, depth, leftOut) : [];
    for (const place of [root, ...within]) await fetchLfs(git, place, leftOut);
    const { items: left_out, count: left_out_count } = leftOut;
    // A kill cuts these short. What is in the folder then is not whole.
    if (!git.stopped) {
      const says: z.infer<typeof done> = { left_out, left_out_count };
      await writeFile(path.join(folder, CLONE_DONE), JSON.stringify(says));
    }
    return git.stopped ? failed('It was stopped.') : await this.#moveOut(folder);
  }

  /** Moves a clone that is whole to where it belongs; or goes on with that, if it was cut short. */
  async #moveOut(folder: string): Promise<NonNullable<CloneEnd>> {
    const { repo } = this.#launch;
    const says = done.parse(JSON.parse(await readFile(path.join(folder, CLONE_DONE), 'utf8')));
    const leftOut = new LeftOutList(says.left_out, says.left_out_count);
    const tree = path.join(folder, CLONE_TREE);
    if (existsSync(tree)) await layOver(tree, this.#cwd, leftOut);
    // Read before the folder goes: a crash in between repeats it.
    const commit = await this.#head();
    await rm(folder, { recursive: true, force: true });
    const { items: left_out, count: left_out_count } = leftOut;
    return { notice: 'cloned', repo, commit, ms: 0, ...(left_out_count > 0 && { left_out, left_out_count }) };
  }

  /** The workspace is a clone already. Nothing but what git keeps for itself changes. */
  async #fetch(origin: string): Promise<NonNullable<CloneEnd>> {
    const { repo } = this.#launch;
    const shown = maskCredentials(origin);
    if (!isSameRepo(origin, repo))
      return skipped(repo, `The workspace is a clone of another repository, ${shown}. It stays as it is.`);
    // What an earlier session left in the repository's hooks does not run.
    const noHooks = ['-c', 'core.hooksPath=/dev/null'];
    const fetched = await this.#inWorkspace(...noHooks, 'fetch', '--no-recurse-submodules', 'origin');
    if (!fetched.ok)
      return skipped(
        repo,
        `The workspace is a clone of it already, and git cannot fetch what is new: ${lastLine(fetched.detail)}`,
      );
    return { notice: 'fetched', repo, commit: await this.#head(), ms: 0 };
  }

  /** The URL that the repository in the workspace came from, empty if it has none; null: there is no repository. */
  async #origin(): Promise<string | null> {
    if (!existsSync(path.join(this.#cwd, '.git'))) return null;
    const isRepository = await this.#inWorkspace('rev-parse', '--git-dir');
    if (!isRepository.ok) return null;
    const url = await this.#inWorkspace('config', '--get', 'remote.origin.url');
    return url.ok ? url.output.trim() : '';
  }

  /** The commit that is checked out; empty: an empty repository has none. */
  async #head(): Promise<string> {
    const head = await this.#inWorkspace('rev-parse', '--verify', '--quiet', 'HEAD');
    return head.ok ? head.output.trim().slice(0, 64) : '';
  }

  /** Runs git on the workspace's own repository, and never on one around it. */
  #inWorkspace(...args: string[]) {
    const cwd = this.#cwd;
    return this.#git.run(args, { cwd, env: { GIT_CEILING_DIRECTORIES: path.dirname(cwd) } });
  }
}

function failed(detail: string): Notice<'clone_failed'> {
  return { notice: 'clone_failed', detail: maskCredentials(detail).slice(-DETAIL_CHARACTERS) };
}

function skipped(repo: string, detail: string): Notice<'clone_skipped'> {
  return { notice: 'clone_skipped', repo, detail: clip(maskCredentials(detail), WHY_CHARACTERS) };
}
