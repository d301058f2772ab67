import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { until } from '../until.ts';

const run = promisify(execFile);

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** All of the environment of what runs in it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Terminals, each of them a window of a tmux of the test's own. */
export class Tmux {
  readonly #socket: string;
  #windows = 0;

  /** @param folder for the socket of its server */
  constructor(folder: string) {
    this.#socket = path.join(folder, 'tmux');
  }

  /** Runs a command of the shell in a terminal of its own. */
  async open(command: string, { columns = 100, rows = 40, env }: TerminalOptions): Promise<Terminal> {
    const name = `t${this.#windows++}`;
    const set = Object.entries({ ...env, TERM: 'tmux-256color' }).map(([key, value]) => `${key}=${quoted(value)}`);
    // As a person's shell does, this one outlives Ctrl-C. The terminal stays when it has ended, so that it can be read.
    const shown = `trap : INT; ${command}; echo "[exit code $?]"`;
    const size = ['-x', String(columns), '-y', String(rows)];
    const shell = `exec env -i ${set.join(' ')} sh -c ${quoted(shown)}`;
    const options = ['set-option', '-g', 'remain-on-exit', 'on', ';', 'set-option', '-g', 'status', 'off', ';'];
    await this.tmux('start-server', ';', ...options, 'new-session', '-d', '-s', name, ...size, shell);
    return new Terminal(this, name, command);
  }

  async tmux(...args: string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args], {
      env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', TERM: 'xterm-256color' },
    });
    return stdout;
  }

  /** Ends all of them. */
  async stop(): Promise<void> {
    if (this.#windows > 0) await this.tmux('kill-server');
  }
}

/** A terminal in which a command runs, as a person sees it. */
export class Terminal {
  readonly #tmux: Tmux;
  readonly #name: string;
  readonly #command: string;

  /** @param command that runs in it: a failure names it */
  constructor(tmux: Tmux, name: string, command: string) {
    this.#tmux = tmux;
    this.#name = name;
    this.#command = command;
  }

  /** What it shows, and has shown above that. @param styled with escape sequences */
  async screen(styled = false): Promise<string> {
    const shown = await this.#tmux.tmux(
      'capture-pane',
      '-p',
      '-t',
      this.#name,
      '-S',
      '-',
      ...(styled ? ['-e'] : ['-J']),
    );
    // Below what was written, it is empty.
    return shown.trimEnd();
  }

  /** Waits until it shows that. @returns all that it shows then */
  async shows(what: string | RegExp): Promise<string> {
    return await until(async () => {
      const screen = await this.screen();
      if (typeof what === 'string') expect(screen, this.#command).toContain(what);
      else expect(screen, this.#command).toMatch(what);
      return screen;
    });
  }

  /** Types a text, and Enter. */
  async type(text: string): Promise<void> {
    await this.#tmux.tmux('send-keys', '-t', this.#name, '-l', text);
    await this.press('Enter');
  }

  /** Presses a key, by tmux's name for it, such as `C-c`. */
  async press(key: string): Promise<void> {
    await this.#tmux.tmux('send-keys', '-t', this.#name, key);
  }

  /** Has another size, as a window that is dragged. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux.tmux('resize-window', '-t', this.#name, '-x', String(columns), '-y', String(rows));
  }

  /** Signals the command that runs in it. */
  async signal(name: NodeJS.Signals): Promise<void> {
    const shell = (await this.#tmux.tmux('display-message', '-p', '-t', this.#name, '#{pane_pid}')).trim();
    const [command] = (await readFile(`/proc/${shell}/task/${shell}/children`, 'utf8')).trim().split(' ');
    process.kill(Number(command), name);
  }

  /** Waits until the command has ended, and the shell has said so. */
  async exitCode(): Promise<number> {
    const screen = await this.shows(ENDED);
    return Number(ENDED.exec(screen)?.[1]);
  }
}

const ENDED = /\[exit code (\d+)\]/;

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
