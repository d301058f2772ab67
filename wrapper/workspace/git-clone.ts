import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper-notice.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';
import { Tail } from '../lib/tail.ts';

/** Bytes kept of git's output. */
const OUTPUT_BYTES = 8192;
const DETAIL_CHARACTERS = 8192;

/** How the clone ended; null: it was killed. */
export type CloneEnd = Extract<WrapperNotice, { notice: 'cloned' | 'clone_failed' }> | null;

/**
 * Clones a repository into the working directory with the environment of `claude`'s own tools, so also through its
 * proxy.
 */
export class GitClone {
  readonly ended: Promise<CloneEnd>;
  readonly #launch: Pick<WrapperLaunch, 'cwd' | 'env'>;
  #pid: number | undefined;
  #stopped = false;

  constructor(launch: Pick<WrapperLaunch, 'cwd' | 'env'>, git: NonNullable<WrapperLaunch['git']>) {
    this.#launch = launch;
    this.ended = this.#clone(git);
  }

  /** Kills git and all that it has started. */
  kill(): void {
    this.#stopped = true;
    if (this.#pid === undefined) return;
    try {
      process.kill(-this.#pid, 'SIGKILL');
    } catch (error) {
      // ESRCH: it is gone already. EPERM: the id belongs to another user's process by now.
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
    // An empty repository has no commit.
    return { notice: 'cloned', repo, commit: head.ok ? head.output.trim().slice(0, 64) : '', ms };
  }

  async #git(args: string[]): Promise<{ ok: true; output: string } | { ok: false; detail: string }> {
    if (this.#stopped) return { ok: false, detail: 'It was stopped.' };
    const { cwd, env } = this.#launch;
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn('git', args, {
        cwd,
        env: {
          ...env,
          // Nobody could answer a prompt.
          GIT_TERMINAL_PROMPT: '0',
          // No redirect and no configuration may lead to another transport, such as a local file.
          GIT_ALLOW_PROTOCOL: 'http:https',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A process group of its own: it can be killed together with its children.
        detached: true,
      });
    } catch (error) {
      return { ok: false, detail: `git could not be started: ${String(error)}` };
    }
    this.#pid = child.pid;
    const out = new Tail(OUTPUT_BYTES);
    const err = new Tail(OUTPUT_BYTES);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const end = await new Promise<string | null>((resolve) => {
      child.once('error', (error) => resolve(startFailure(error)));
      child.once('close', (code, signal) => resolve(code === 0 ? null : `git ended with ${signal ?? `code ${code}`}.`));
    });
    this.#pid = undefined;
    if (end === null) return { ok: true, output: out.toString() };
    const stderr = err.toString().trim();
    return { ok: false, detail: stderr === '' ? end : stderr };
  }
}

function startFailure(error: Error): string {
  if ('code' in error && error.code === 'ENOENT')
    return 'git is not there: install it on the runner’s machine, or in the session image.';
  return `git could not be started: ${error.message}`;
}
