import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PACKAGE } from '../run/bundles.ts';
import { nodeEnvironment } from '../run/node-environment.ts';
import { Tmux, type Terminal } from './tmux.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on its stdin; absent: nothing. */
  readonly input?: string;
}

/** The command `cc-docker` as a person has it, with a home of its own. */
export class CliUser {
  readonly home: string;
  readonly #tmux: Tmux;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(home: string, env: Readonly<Record<string, string>>) {
    this.home = home;
    this.#tmux = new Tmux(home);
    this.#env = env;
  }

  /** @param env of all its commands, besides a person's own */
  static async create(env: Readonly<Record<string, string>> = {}): Promise<CliUser> {
    return new CliUser(await mkdtemp(path.join(os.tmpdir(), 'cc-docker-cli-')), env);
  }

  get env(): Record<string, string> {
    return { ...nodeEnvironment(), HOME: this.home, LANG: 'C.UTF-8', ...this.#env };
  }

  /** Runs it in a pipe. */
  async run(args: readonly string[], { env = {}, input }: RunOptions = {}): Promise<Ended> {
    return await new Promise((resolve) => {
      const command = execFile(
        process.execPath,
        [BIN, ...args],
        { cwd: this.home, env: { ...this.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
      command.stdin?.end(input ?? '');
    });
  }

  /** Begins it between pipes. */
  begin(args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, [BIN, ...args], { cwd: this.home, env: this.env });
  }

  /** Runs it in a terminal. @param command the words after `cc-docker`, as a shell reads them */
  async terminal(
    command: string,
    options: { readonly columns?: number; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Terminal> {
    const shell = `cd ${this.home}; ${process.execPath} ${BIN} ${command}`;
    return await this.#tmux.open(shell, { ...options, env: { ...this.env, ...options.env } });
  }

  async remove(): Promise<void> {
    await this.#tmux.stop();
    await rm(this.home, { recursive: true, force: true });
  }
}

/** What the package has: to take the types out of the sources takes a third of a start. */
const BIN = path.join(PACKAGE, 'cli.js');
