import type { WrapperCommand } from '../../protocol/link/wrapper/wrapper-link.ts';
import type { WrapperFrame } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { Inbox } from './inbox.ts';

export interface CommandRunner {
  /** False: `claude` is gone or about to go, and the command stays the session's. */
  run(command: WrapperCommand): Promise<boolean>;
  /** A command is done: a `taken` frame waits to be sent. */
  done(): void;
}

/** The session's commands: run one after the other, in order, from the moment that `claude` is ready. */
export class CommandQueue {
  readonly #runner: CommandRunner;
  readonly #inbox = new Inbox();
  #started = false;
  #running = false;
  /** The session has yet to learn how far the commands are taken. */
  #takenDue = false;

  constructor(runner: CommandRunner) {
    this.#runner = runner;
  }

  /** A connection begins. @returns the last command taken, which `hello` tells the session */
  connected(): number {
    this.#takenDue = false;
    return this.#inbox.taken;
  }

  /** The frame that reports what was taken, when it is due. */
  take(): WrapperFrame | null {
    if (!this.#takenDue) return null;
    this.#takenDue = false;
    return { kind: 'taken', command: this.#inbox.taken };
  }

  /** A command came in. Not null: one before it is missing, so the connection has to begin anew. */
  receive(number: number, command: WrapperCommand): string | null {
    const receipt = this.#inbox.receive(number, command);
    if (receipt === 'taken') this.#takenDue = true;
    else if (receipt === 'waiting') void this.#runAll();
    // A new `hello` tells the session which command is missing.
    return receipt === 'gap' ? `command ${number} after ${this.#inbox.taken}` : null;
  }

  /** `claude` is ready: run what waits, and what comes. */
  start(): void {
    this.#started = true;
    void this.#runAll();
  }

  async #runAll(): Promise<void> {
    if (!this.#started || this.#running) return;
    this.#running = true;
    for (let command = this.#inbox.peek(); command !== null; command = this.#inbox.peek()) {
      // When `claude` no longer reads, the notice of its exit follows, and the command stays the session's.
      if (!(await this.#runner.run(command))) break;
      this.#inbox.handedOn();
      this.#takenDue = true;
      this.#runner.done();
    }
    this.#running = false;
  }
}
