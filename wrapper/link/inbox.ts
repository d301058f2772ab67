import type { WrapperCommand } from '../../protocol/link/wrapper/wrapper-link.ts';

/**
 * - `waiting`: it is in the queue, and will run in its turn;
 * - `taken`: it was handed on before, so acknowledge it again;
 * - `gap`: one before it is missing, so it is not accepted.
 */
export type Receipt = 'waiting' | 'taken' | 'gap';

/** The session's commands, each taken once and in order, however often it is sent. No I/O. */
export class Inbox {
  #taken = 0;
  #waiting: WrapperCommand[] = [];

  /** The last command that was handed on. */
  get taken(): number {
    return this.#taken;
  }

  /** A command came in with its number. */
  receive(number: number, command: WrapperCommand): Receipt {
    if (number <= this.#taken) return 'taken';
    const next = this.#taken + this.#waiting.length + 1;
    if (number > next) return 'gap';
    if (number === next) this.#waiting.push(command);
    return 'waiting';
  }

  /** The command to hand on next. */
  peek(): WrapperCommand | null {
    return this.#waiting[0] ?? null;
  }

  /** The command that `peek` returned has been handed on. */
  handedOn(): void {
    if (this.#waiting.shift() !== undefined) this.#taken += 1;
  }
}
