import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate as others } from 'node:timers/promises';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { Tail } from '../lib/tail.ts';

type Prepare = NonNullable<WrapperLaunch['prepare']>;
type Command = Prepare['commands'][number];
type Failed = Extract<WrapperNotice, { notice: 'prepare_failed' }>;

/** Bytes kept of the end of what a command writes. */
const OUTPUT_BYTES = 4096;

/**
 * Runs commands of the repository one after the other, with all that `claude`'s own tools have, and no more: they are what the agent
 * could run a moment later. The first that fails ends that.
 */
export class PrepareCommands {
  /** Null: all have run, or they were killed. */
  readonly ended: Promise<Failed | null>;
  readonly #env: Readonly<Record<string, string>>;
  readonly #cwd: string;
  readonly #notify: (notice: WrapperNotice) => void;
  #pid: number | undefined;
  #killed = false;

  constructor(
    { cwd, env }: Pick<WrapperLaunch, 'cwd' | 'env'>,
    { folder, commands }: Prepare,
    notify: (notice: WrapperNotice) => void,
  ) {
    this.#env = env;
    this.#cwd = path.join(cwd, folder);
    this.#notify = notify;
    this.ended = this.#runAll(commands);
  }

  /** Kills what runs, with all that it has started, and starts nothing more. */
  kill(): void {
    this.#killed = true;
    if (this.#pid === undefined) return;
    try {
      process.kill(-this.#pid, 'SIGKILL');
    } catch (error) {
      // It is gone already, or the id belongs to another user's process by now.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
        throw error;
    }
  }

  async #runAll(commands: readonly Command[]): Promise<Failed | null> {
    for (const command of commands) {
      if (this.#killed) return null;
      const { name } = command;
      this.#notify({ notice: 'command', name });
      const began = performance.now();
      const { problem, output } = await this.#run(command);
      if (this.#killed) return null;
      const ms = Math.round(performance.now() - began);
      if (problem === null) this.#notify({ notice: 'command', name, ms, output });
      else return { notice: 'prepare_failed', name, detail: `${name} ${problem}${output === '' ? '' : `\n${output}`}` };
    }
    return null;
  }

  /** `problem`: what is wrong with its end, as a sentence without its subject; null: nothing. */
  async #run({ argv }: Command): Promise<{ problem: string | null; output: string }> {
    const [program = '', ...args] = argv;
    const output = new Tail(OUTPUT_BYTES);
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn(program, args, {
        cwd: this.#cwd,
        env: this.#env,
        stdio: ['ignore', 'pipe', 'pipe'],
        // A process group of its own: it can be killed together with its children.
        detached: true,
      });
    } catch (error) {
      return { problem: `could not be started: ${String(error)}`, output: '' };
    }
    this.#pid = child.pid;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
    try {
      // Not `close`: what it leaves running, such as a database, holds on to its output.
      await once(child, 'exit');
    } catch (error) {
      return { problem: `could not be started: ${error instanceof Error ? error.message : String(error)}`, output: '' };
    } finally {
      this.#pid = undefined;
    }
    // What it wrote at the very end is in the pipes. What others write there later is read, and of no interest.
    await others();
    const text = output.toString().trim();
    child.unref();
    const { exitCode, signalCode } = child;
    if (exitCode === 0) return { problem: null, output: text };
    return { problem: `exited with ${signalCode ?? `code ${exitCode}`}.`, output: text };
  }
}
