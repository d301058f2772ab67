import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ClonedRepository, WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import type { CloneEnd } from '../../../wrapper/git/git-clone.ts';
import { WorkspaceClones } from '../../../wrapper/git/workspace-clones.ts';
import { LfsStore } from '../forges/lfs-server.ts';
import { GIT_ENV, serveGit } from './git-server.ts';

type GitRules = Pick<NonNullable<WrapperLaunch['git']>, 'has_files' | 'rewrites'>;

/** A server of repositories, and a workspace into which they are cloned. */
export class Forge implements AsyncDisposable {
  workspace = '';
  readonly url: string;
  readonly lfs: LfsStore;
  readonly #root: string;
  readonly #server: AsyncDisposable;

  /** Where git is found, and what it calls. */
  path = '/usr/bin:/bin';
  /** Its server answers once this resolves. */
  gate: Promise<void> = Promise.resolve();

  static async start(): Promise<Forge> {
    const root = mkdtempSync(path.join(os.tmpdir(), 'cc-docker-forge-'));
    const forge: { started?: Forge } = {};
    const lfs = new LfsStore();
    const origin = () => forge.started?.url ?? '';
    const server = await serveGit(
      root,
      async () => await forge.started?.gate,
      (request, response) => lfs.answer(origin(), request, response),
    );
    forge.started = new Forge(root, server, lfs);
    return forge.started;
  }

  private constructor(root: string, server: AsyncDisposable & { url: string }, lfs: LfsStore) {
    this.lfs = lfs;
    this.#root = root;
    this.#server = server;
    this.url = server.url;
    this.freshWorkspace();
  }

  /** An empty workspace in place of the one before. */
  freshWorkspace(): void {
    this.workspace = mkdtempSync(path.join(this.#root, 'workspace-'));
  }

  /** The working tree of the repository `name`. */
  folderOf(name: string): string {
    return path.join(this.#root, name);
  }

  /** Runs git in the repository `name`, which has a working tree. */
  git(name: string, ...args: string[]): string {
    const env = { ...GIT_ENV, GIT_ALLOW_PROTOCOL: 'file:http:https' };
    return execFileSync('git', args, { cwd: path.join(this.#root, name), env, encoding: 'utf8' }).trim();
  }

  /** A repository with a commit for each of these sets of files, on `main`. @returns the commits */
  repository(name: string, ...commits: Record<string, string>[]): string[] {
    mkdirSync(path.join(this.#root, name), { recursive: true });
    this.git(name, 'init', '-q', '-b', 'main');
    return commits.map((files, index) => {
      for (const [file, text] of Object.entries(files)) {
        const target = path.join(this.#root, name, file);
        mkdirSync(path.dirname(target), { recursive: true });
        writeFileSync(target, text);
      }
      this.git(name, 'add', '.');
      this.git(name, 'commit', '-q', '--allow-empty', '-m', `commit ${index + 1}`);
      return this.git(name, 'rev-parse', 'HEAD');
    });
  }

  /** Adds a submodule at `at` whose URL is `url`, though its commits are those of the repository `of`. */
  submodule(name: string, at: string, of: string, url: string): void {
    this.git(name, 'submodule', '--quiet', 'add', '--', path.join(this.#root, of), at);
    this.git(name, 'config', '--file', '.gitmodules', `submodule.${at}.url`, url);
    this.git(name, 'commit', '-q', '-a', '-m', `submodule ${at}`);
  }

  /** Clones into the workspace as the wrapper does. */
  async clone(name: string, given: Partial<ClonedRepository> & GitRules = {}): Promise<CloneEnd | null> {
    return await this.cloning(name, given).ended;
  }

  cloning(name: string, { has_files, rewrites, ...given }: Partial<ClonedRepository> & GitRules = {}): WorkspaceClones {
    const rest = { ...(has_files !== undefined && { has_files }), ...(rewrites && { rewrites }) };
    return this.cloningAll([{ repo: `${this.url}/${name}`, path: '.', ...given }], rest);
  }

  /** Clones several. `said` has what is said before the end. */
  cloningAll(repositories: ClonedRepository[], rest: GitRules = {}, said: WrapperNotice[] = []): WorkspaceClones {
    const env = { PATH: this.path, HOME: this.#root, GIT_CONFIG_NOSYSTEM: '1' };
    return new WorkspaceClones({ cwd: this.workspace, env }, { repositories, ...rest }, (notice) => said.push(notice));
  }

  /** Runs git in the workspace. */
  here(...args: string[]): string {
    return execFileSync('git', args, {
      cwd: this.workspace,
      env: { ...GIT_ENV, PATH: this.path },
      encoding: 'utf8',
    }).trim();
  }

  read(...names: string[]): string {
    return readFileSync(path.join(this.workspace, ...names), 'utf8');
  }

  write(name: string, text: string): void {
    const file = path.join(this.workspace, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
