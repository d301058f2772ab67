import { ExitCode, Interrupted } from './failure.ts';

/** What Ctrl-C does for a verb in place of ending it. */
interface Handler {
  readonly act: () => void;
  /** How often it may still be called. */
  left: number;
}

/**
 * Ctrl-C, and what supervisors send: the first one aborts the signal, so that the command ends in order. The second one ends it at
 * once. A verb can have the first ones for itself, and then Ctrl-C ends it at once as well: whatever it waits for, a person can leave.
 */
export class Interrupts {
  readonly #exit: (code: number) => void;
  readonly #controller = new AbortController();
  readonly #handlers: Handler[] = [];

  /** @param exit ends the process */
  constructor(exit: (code: number) => void) {
    this.#exit = exit;
  }

  /** Aborts with `Interrupted` as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Has Ctrl-C call this `times` times. @returns ends that earlier */
  on(act: () => void, times: number): () => void {
    const handler = { act, left: times };
    this.#handlers.push(handler);
    return () => {
      const at = this.#handlers.indexOf(handler);
      if (at !== -1) this.#handlers.splice(at, 1);
    };
  }

  /** Ctrl-C was pressed. */
  interrupt(): void {
    const handler = this.#handlers.at(-1);
    if (handler === undefined) return this.end(ExitCode.interrupted);
    handler.left -= 1;
    if (handler.left < 0) this.#exit(ExitCode.interrupted);
    else handler.act();
  }

  /** The command is to end, with this exit code. */
  end(code: number): void {
    if (this.signal.aborted) this.#exit(code);
    else this.#controller.abort(new Interrupted(code));
  }
}

/** Of this process. */
export function listenForInterrupts(): Interrupts {
  const interrupts = new Interrupts((code) => process.exit(code));
  process.on('SIGINT', () => interrupts.interrupt());
  for (const name of ['SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupts.end(ExitCode.terminated));
  return interrupts;
}
