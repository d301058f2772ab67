import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper-notice.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';
import { Tail } from '../lib/tail.ts';

/** What is kept of git's words. */
const SAID_BYTES = 8192;
const DETAIL_CHARACTERS = 8192;

/** How it ended; null: it was stopped. */
export type CloneEnd = Extract<WrapperNotice, { notice: 'cloned' | 'clone_failed' }> | null;

/** Clones a repository into the working directory, as `claude`'s own tools would: with its environment, through its way out. */
export class GitClone {
  readonly ended: Promise<CloneEnd>;
  readonly #launch: Pick<WrapperLaunch, 'cwd' | 'env'>;
  #pid: number | undefined;
  #stopped = false;

  constructor(launch: Pick<WrapperLaunch, 'cwd' | 'env'>, git: NonNullable<WrapperLaunch['git']>) {
    this.#launch = launch;
    this.ended = this.#clone(git);
  }

  /** Ends it on the spot, with all that it has started. */
  kill(): void {
    this.#stopped = true;
    if (this.#pid === undefined) return;
    try {
      process.kill(-this.#pid, 'SIGKILL');
    } catch (error) {
      // ESRCH: gone already, as wanted. EPERM: the id is another user's by now.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
        throw error;
    }
  }

  async #clone({ repo, branch }: NonNullable<WrapperLaunch['git']>): Promise<CloneEnd> {
    const began = performance.now();
    const branchArgs = branch === undefined ? [] : ['--branch', branch];
    const cloned = await this.#git(['clone', ...branchArgs, '--', repo, '.']);
    if (this.#stopped) return null;
    if (!cloned.ok) return { notice: 'clone_failed', detail: maskCredentials(cloned.detail).slice(-DETAIL_CHARACTERS) };
    const ms = Math.round(performance.now() - began);
    const head = await this.#git(['rev-parse', '--verify', '--quiet', 'HEAD']);
    if (this.#stopped) return null;
    // A repository without a commit has none.
    return { notice: 'cloned', repo, commit: head.ok ? head.said.trim().slice(0, 64) : '', ms };
  }

  async #git(args: string[]): Promise<{ ok: true; said: string } | { ok: false; detail: string }> {
    if (this.#stopped) return { ok: false, detail: 'It was stopped.' };
    const { cwd, env } = this.#launch;
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn('git', args, {
        cwd,
        env: {
          ...env,
          // Nobody is there to be asked.
          GIT_TERMINAL_PROMPT: '0',
          // Neither a redirect nor what is configured leads to another transport, such as a file of this machine.
          GIT_ALLOW_PROTOCOL: 'http:https',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A process group of its own, so that it can be killed with its children.
        detached: true,
      });
    } catch (error) {
      return { ok: false, detail: `git could not be started: ${String(error)}` };
    }
    this.#pid = child.pid;
    const out = new Tail(SAID_BYTES);
    const err = new Tail(SAID_BYTES);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const end = await new Promise<string | null>((resolve) => {
      child.once('error', (error) => resolve(startFailure(error)));
      child.once('close', (code, signal) => resolve(code === 0 ? null : `git ended with ${signal ?? `code ${code}`}.`));
    });
    this.#pid = undefined;
    if (end === null) return { ok: true, said: out.toString() };
    const said = err.toString().trim();
    return { ok: false, detail: said === '' ? end : said };
  }
}

function startFailure(error: Error): string {
  if ('code' in error && error.code === 'ENOENT')
    return 'git is not there: install it on the runner’s machine, or in the session image.';
  return `git could not be started: ${error.message}`;
}
