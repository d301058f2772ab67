import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

/** Before a part that has ended by itself is started again, milliseconds. */
const AGAIN_MS = 300;

export interface PartProgram {
  /** The module that Node runs. */
  readonly module: string;
  /** Its environment, asked for at each start. */
  readonly env: () => Promise<Readonly<Record<string, string>>>;
}

/** A program of the service that a service manager keeps running: whenever it has ended, it is started again. */
export class Part {
  /** What it has written, of all its starts. */
  log = '';
  readonly #program: PartProgram;
  readonly #stopped = new AbortController();
  #child: ChildProcess | null = null;
  #awayMs = AGAIN_MS;
  /** Resolves when it runs again. */
  #again = Promise.withResolvers<void>();
  readonly #kept: Promise<void>;

  constructor(program: PartProgram) {
    this.#program = program;
    this.#kept = this.#keep();
  }

  /** Undefined: it does not run at this moment. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Kills it. @param awayMs how long it stays away
   * @returns resolves when it is started again; null: it does not run
   */
  kill(awayMs: number): Promise<void> | null {
    if (this.#child === null) return null;
    this.#awayMs = awayMs;
    this.#child.kill('SIGKILL');
    return this.#again.promise;
  }

  /** Ends it by these signals, and starts it no more. */
  async stop(...signals: readonly NodeJS.Signals[]): Promise<void> {
    this.#stopped.abort();
    for (const signal of signals) this.#child?.kill(signal);
    await this.#kept;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const child = spawn(process.execPath, [this.#program.module], {
        env: await this.#program.env(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const ended = once(child, 'exit');
      for (const output of [child.stdout, child.stderr])
        output.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
      if (signal.aborted) child.kill('SIGKILL');
      this.#child = child;
      const again = this.#again;
      this.#again = Promise.withResolvers<void>();
      again.resolve();
      await ended;
      this.#child = null;
      await pause(this.#awayMs, undefined, { signal }).catch(() => undefined);
      this.#awayMs = AGAIN_MS;
    }
    this.#again.resolve();
  }
}
