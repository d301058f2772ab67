/** Why a command cannot go on, and what to do about it: one line for the terminal. */
export class Failure extends Error {
  /** Of the API's problem codes, or of the command's own; for programs. */
  readonly code: string;
  /** What the person can do. Empty: the sentence says it. */
  readonly remedy: string;
  readonly exitCode: number;

  constructor(what: string, remedy = '', { code = 'failed', exitCode = 1 }: { code?: string; exitCode?: number } = {}) {
    super(what);
    this.code = code;
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}

/** The command line is not one that the command takes. */
export class Misused extends Failure {
  constructor(what: string, remedy = '') {
    super(what, remedy, { code: 'usage', exitCode: ExitCode.usage });
  }
}

/** What the command ends with: docs/cli.md. */
export const ExitCode = { done: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143, brokenPipe: 141 } as const;

/** A person has pressed Ctrl-C, or a supervisor has ended the command. It says nothing more. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(exitCode: number = ExitCode.interrupted) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

/** A failure in one line. */
export function lineOf({ message, remedy }: Pick<Failure, 'message' | 'remedy'>): string {
  const what = message.replaceAll(/\s+/g, ' ').trim();
  const ended = /[.!?:]$/.test(what) ? what : `${what}.`;
  return remedy === '' ? ended : `${ended} ${remedy}`;
}
