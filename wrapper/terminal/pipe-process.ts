import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { TerminalChannel } from '../../protocol/api/session/terminal.ts';
import { killMarked, signal } from '../lib/kill-marked.ts';
import type { ProcessEnd, ProcessListener, ProcessRequest, TerminalProcess } from './terminal-process.ts';

/** Runs a command between pipes: its output and its error output stay apart. */
export function startPiped({ command, cwd, env, mark }: ProcessRequest, listener: ProcessListener): TerminalProcess {
  const [file, ...args] = command;
  // A process group of its own, for signals.
  const child = spawn(file, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const { stdin, stdout, stderr } = child;
  let over = false;
  const end = (how: ProcessEnd): void => {
    if (over) return;
    over = true;
    listener.ended(how);
  };
  const forward = (stream: Readable, channel: TerminalChannel) =>
    stream.on('data', (bytes: Buffer) => {
      if (!over) listener.output(channel, bytes);
    });
  forward(stdout, TerminalChannel.output);
  forward(stderr, TerminalChannel.error);
  // It has closed its input, or is gone.
  stdin.on('error', () => {});
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (child.pid !== undefined) return;
    const isMissing = error.code === 'ENOENT';
    const why = isMissing ? 'there is no such command' : (error.code ?? error.message);
    listener.output(TerminalChannel.error, Buffer.from(`cc-docker: ${file}: ${why}\n`));
    // As a shell says it.
    end({ code: isMissing ? 127 : 126, signal: null });
  });
  // What it left running would keep its pipes open.
  child.on('exit', () => killMarked([mark]));
  child.on('close', (code, name) => end({ code, signal: name?.replace('SIG', '') ?? null }));
  const group = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) signal(-child.pid, name);
  };
  return {
    write: (bytes) =>
      new Promise((resolve) => {
        stdin.write(bytes, () => resolve());
      }),
    end: () => void stdin.end(),
    resize: () => {},
    signal: group,
    pause: () => {
      stdout.pause();
      stderr.pause();
    },
    resume: () => {
      stdout.resume();
      stderr.resume();
    },
    kill: () => {
      killMarked([mark]);
      group('SIGKILL');
    },
  };
}
