import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * Reads the id of the process to end, of several the last; an empty line: there is none. When nobody holds its input any more, it
 * ends that process.
 */
const SCRIPT = `
pid=
while read -r next; do pid=$next; done
[ -z "$pid" ] || kill -KILL "$pid"
`;

/**
 * A small process that outlives this one: workerd does not notice that who started it has died. It is a shell, which takes 1 MB;
 * a Node process would take more than workerd itself. When it is killed, another takes its place.
 */
export class Keeper {
  readonly #say: (line: string) => void;
  #shell: ChildProcessByStdio<Writable, null, null>;
  #exited: Promise<unknown>;
  /** The process that it guards. */
  #pid: number | null = null;
  #isEnding = false;

  /** @param say gets a line when it was killed */
  constructor(say: (line: string) => void) {
    this.#say = say;
    [this.#shell, this.#exited] = this.#start();
  }

  /**
   * As long as some process holds this stream, workerd may live. A runner gets it, so that, when this process is killed, the
   * runner can still hand over what its sessions say. It is another one after the keeper was killed.
   */
  get lifeline(): Writable {
    return this.#shell.stdin;
  }

  /** @param pid of the process that must not outlive this one and the runner, negative: of its group; null: there is none */
  async keep(pid: number | null): Promise<void> {
    this.#pid = pid;
    const shell = this.#shell;
    await new Promise<void>((resolve, reject) => {
      shell.stdin.write(`${pid ?? ''}\n`, (error) => {
        // One that was just killed, or that ends because its input has, cannot be told. The next one is.
        if (error && !hasEnded(shell) && !shell.stdin.writableEnded) reject(error);
        else resolve();
      });
    });
  }

  /** Ends the keeper. It waits for every holder of the lifeline. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#shell.stdin.end();
    await this.#exited;
  }

  #start(): [ChildProcessByStdio<Writable, null, null>, Promise<unknown>] {
    // In a process group of its own: a Ctrl-C at the terminal is not for it.
    const shell = spawn('sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    // Whoever writes hears of it. Without a listener, the write to a killed one would end this process.
    shell.stdin.on('error', () => {});
    const exited = once(shell, 'exit').then(() => this.#follow());
    return [shell, exited];
  }

  #follow(): void {
    if (this.#isEnding) return;
    this.#say('the process that ends workerd after this one was killed; another takes its place');
    [this.#shell, this.#exited] = this.#start();
    if (this.#pid !== null) this.#shell.stdin.write(`${this.#pid}\n`);
  }
}

const hasEnded = ({ exitCode, signalCode }: { exitCode: number | null; signalCode: string | null }): boolean =>
  exitCode !== null || signalCode !== null;
