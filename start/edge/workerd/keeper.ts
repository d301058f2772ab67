import { spawn } from 'node:child_process';
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
 * a Node process would take more than workerd itself.
 */
export class Keeper {
  /**
   * As long as some process holds this stream, workerd may live. A runner gets it, so that, when this process is killed, the
   * runner can still hand over what its sessions say.
   */
  readonly lifeline: Writable;
  readonly #exited: Promise<unknown>;

  constructor() {
    // In a process group of its own: a Ctrl-C at the terminal is not for it.
    const shell = spawn('sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    this.lifeline = shell.stdin;
    this.#exited = once(shell, 'exit');
  }

  /** @param pid of the process that must not outlive this one and the runner, negative: of its group; null: there is none */
  async keep(pid: number | null): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.lifeline.write(`${pid ?? ''}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Ends the keeper. It waits for every holder of the lifeline. */
  async end(): Promise<void> {
    this.lifeline.end();
    await this.#exited;
  }
}
