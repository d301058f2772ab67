import { spawn } from 'node:child_process';
import { TerminalChannel } from '../../protocol/api/session/terminal.ts';
import { killMarked, signal } from '../lib/kill-marked.ts';
import { openPty } from './pty.ts';
import type { ProcessEnd, ProcessListener, ProcessRequest, TerminalProcess } from './terminal-process.ts';

/**
 * Opens the terminal as the first of its process session, by which it becomes its controlling terminal; then becomes the command. What a
 * shell says of a command that it cannot start goes there too.
 */
const OPEN_AND_RUN = 'exec "$@" 0<>"$0" 1>&0 2>&0';
/** What a keyboard sends to end the input (`^D`), and for a signal. */
const KEYS = { end: 0x04, interrupt: 0x03, quit: 0x1c } as const;

/**
 * Runs a command in a terminal of its own.
 *
 * @throws when there is no terminal to be had
 */
export function startInTerminal(request: ProcessRequest, listener: ProcessListener): TerminalProcess {
  const { command, cwd, env, mark, cols, rows } = request;
  const pty = openPty(cols, rows);
  const { stream } = pty;
  // `detached`: a process session of its own.
  const child = spawn('/bin/sh', ['-c', OPEN_AND_RUN, pty.path, ...command], {
    cwd,
    env,
    stdio: 'ignore',
    detached: true,
  });
  let exit: ProcessEnd | null = null;
  let over = false;
  const finish = (): void => {
    if (over || exit === null || !stream.destroyed) return;
    over = true;
    listener.ended(exit);
  };
  stream.on('data', (bytes: Buffer) => listener.output(TerminalChannel.output, bytes));
  // EIO: nobody has it open any more, which is how it ends. Whatever else fails on it ends it too.
  stream.on('error', () => stream.destroy());
  stream.on('close', finish);
  const exited = (how: ProcessEnd): void => {
    exit = how;
    // What it left running has the terminal open, or could write to what is no longer there.
    killMarked([mark]);
    pty.release();
    finish();
  };
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (child.pid !== undefined) return;
    listener.output(TerminalChannel.output, Buffer.from(`cc-docker: /bin/sh: ${error.code ?? error.message}\r\n`));
    exited({ code: 126, signal: null });
  });
  child.on('exit', (code, name) => exited({ code, signal: name?.replace('SIG', '') ?? null }));
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      if (stream.destroyed) resolve();
      else stream.write(bytes, () => resolve());
    });
  return {
    write,
    end: () => void write(Uint8Array.of(KEYS.end)),
    resize: (cols, rows) => pty.resize(cols, rows),
    signal: (name) => {
      // The terminal knows which processes are in its foreground.
      if (name === 'SIGINT') void write(Uint8Array.of(KEYS.interrupt));
      else if (name === 'SIGQUIT') void write(Uint8Array.of(KEYS.quit));
      else if (exit === null && child.pid !== undefined) signal(-child.pid, name);
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    kill: () => {
      killMarked([mark]);
      if (exit === null && child.pid !== undefined) signal(-child.pid, 'SIGKILL');
    },
  };
}
