import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Processes may fork while `/proc` is read: each further scan finds only what the one before missed. */
const SCANS = 5;

/**
 * Kills what `claude` has left running. Its Bash tool starts each command in a process session of its own, so killing
 * `claude`'s process group does not reach them. But all of them have the two variables below in their environment. Without
 * `/proc`, only the process group is killed.
 */
export function killLeftovers(claudePid: number, sessionId: string): void {
  kill(-claudePid);
  const marks = [`CLAUDE_PID=${claudePid}`, `CLAUDE_CODE_SESSION_ID=${sessionId}`];
  for (let scan = 0; scan < SCANS; scan += 1) {
    const found = marked(marks);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
  }
}

function marked(marks: readonly string[]): number[] {
  if (!existsSync('/proc/self/environ')) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => marks.every((mark) => environment(pid).includes(mark))).map(Number);
}

function environment(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    // Gone by now, or another user's: not one of ours.
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: it is gone already. EPERM: the id belongs to another user's process by now.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}
