import type { WrapperCommand } from '../../protocol/link/wrapper-link.ts';

/**
 * - `waiting`: it is held, and will be handed on in its turn;
 * - `taken`: it was handed on before, say so again;
 * - `gap`: one before it is missing, so it is not taken.
 */
export type Receipt = 'waiting' | 'taken' | 'gap';

/** The session's orders, each taken once and in order, however often they are sent. No I/O. */
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

  /** What `peek` showed has been handed on. */
  handedOn(): void {
    if (this.#waiting.shift() !== undefined) this.#taken += 1;
  }
}
