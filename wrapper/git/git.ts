import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { Tail } from '../lib/tail.ts';

/** Bytes kept of git's output, unless the caller asks for more. */
const OUTPUT_BYTES = 8192;

export type GitResult = { readonly ok: true; readonly output: string } | GitFailure;
/** `detail`: git's own words, or why it did not run. */
export type GitFailure = { readonly ok: false; readonly detail: string };

export interface GitOptions {
  readonly cwd: string;
  /** Bytes kept of the end of its output. */
  readonly keep?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs git, one command after the other, with the environment of `claude`'s own tools, so also through its proxy. */
export class Git {
  readonly #env: Readonly<Record<string, string>>;
  #pid: number | undefined;
  #stopped = false;

  /** @param rewrites prefixes of URLs, and what git takes in place of each */
  constructor(env: Readonly<Record<string, string>>, rewrites: readonly { from: string; to: string }[]) {
    this.#env = {
      ...withRewrites(env, rewrites),
      // Its words are read, and shown.
      LC_ALL: 'C',
      // Nobody could answer a prompt.
      GIT_TERMINAL_PROMPT: '0',
      // No redirect, no submodule and no configuration may lead to another transport, such as a local file.
      GIT_ALLOW_PROTOCOL: 'http:https',
      // Files of Git LFS are fetched afterwards: one that cannot be had must not end the clone.
      GIT_LFS_SKIP_SMUDGE: '1',
    };
  }

  /** It was killed: what it says from now on means nothing. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Kills what runs, with all that it has started, and starts nothing more. */
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

  async run(args: readonly string[], { cwd, keep = OUTPUT_BYTES, env = {} }: GitOptions): Promise<GitResult> {
    if (this.#stopped) return { ok: false, detail: 'It was stopped.' };
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn('git', args, {
        cwd,
        env: { ...this.#env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A process group of its own: it can be killed together with its children.
        detached: true,
      });
    } catch (error) {
      return { ok: false, detail: `git could not be started: ${String(error)}` };
    }
    this.#pid = child.pid;
    const out = new Tail(keep);
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

/** By these git would take another repository than the one in its working directory. */
const ELSEWHERE = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
];

/** The environment with these rewrites beside what it configures already. */
function withRewrites(
  env: Readonly<Record<string, string>>,
  rewrites: readonly { from: string; to: string }[],
): Record<string, string> {
  const first = Number.parseInt(env['GIT_CONFIG_COUNT'] ?? '0', 10) || 0;
  const pairs = rewrites.flatMap(({ from, to }, index) => [
    [`GIT_CONFIG_KEY_${first + index}`, `url.${to}.insteadOf`],
    [`GIT_CONFIG_VALUE_${first + index}`, from],
  ]);
  const usual = Object.entries(env).filter(([name]) => !ELSEWHERE.includes(name));
  return { ...Object.fromEntries([...usual, ...pairs]), GIT_CONFIG_COUNT: String(first + rewrites.length) };
}

function startFailure(error: Error): string {
  if ('code' in error && error.code === 'ENOENT')
    return 'git is not there: install it on the runner’s machine, or in the session image.';
  return `git could not be started: ${error.message}`;
}
