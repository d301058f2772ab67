/** Waits for a line, and becomes the program. When its input ends before, it ends too. */
const HELD = 'read -r _ && exec "$@" </dev/null';

/**
 * A command that begins a program only when its stdin gets a line: so it can be written down first who runs. When the process that
 * was to write it has died by then, nothing has run.
 *
 * @returns the command and its arguments; its stdin must be a pipe. The program has the process's id, and no input.
 */
export function heldProgram(program: string, ...args: readonly string[]): [command: string, args: string[]] {
  return ['/bin/sh', ['-c', HELD, 'sh', program, ...args]];
}
