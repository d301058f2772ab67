/** What a person tells the command itself, and not the shell. */
type EscapeAction = 'leave' | 'help';

/** What was typed: bytes for the shell, and what is meant for the command. */
export interface Typed {
  readonly bytes: Uint8Array;
  readonly action: EscapeAction | null;
}

const TILDE = 0x7e;
const ACTIONS: Readonly<Record<number, EscapeAction>> = { 0x2e: 'leave', 0x3f: 'help' };
const isEnter = (byte: number) => byte === 0x0d || byte === 0x0a;

/**
 * Finds `~.` and `~?` at the beginning of a line, as `ssh` does; `~~` there is a tilde. Nothing is meant by what is pasted in one piece
 * with a line's end, except at its beginning. No I/O.
 */
export class EscapeKeys {
  #atStart = true;
  #tilde = false;

  /** @returns what goes to the shell; what follows an action in the same piece is dropped */
  take(typed: Uint8Array): Typed {
    const out: number[] = [];
    for (const byte of typed) {
      if (this.#tilde) {
        this.#tilde = false;
        const action = ACTIONS[byte];
        if (action !== undefined) {
          this.#atStart = true;
          return { bytes: Uint8Array.from(out), action };
        }
        if (byte !== TILDE) out.push(TILDE);
      } else if (byte === TILDE && this.#atStart) {
        this.#tilde = true;
        continue;
      }
      out.push(byte);
      this.#atStart = isEnter(byte);
    }
    return { bytes: Uint8Array.from(out), action: null };
  }
}
