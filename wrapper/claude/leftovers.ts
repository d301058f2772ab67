import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A process may fork while the list is read; each further look finds only what the last one missed. */
const LOOKS = 5;

/**
 * Kills what `claude` has left running. Its Bash tool starts each command in a session of its own, which killing
 * `claude`'s process group does not reach; but they all carry these two in their environment. Where there is no `/proc`
 * only the group is killed.
 */
export function killLeftovers(claudePid: number, sessionId: string): void {
  kill(-claudePid);
  const marks = [`CLAUDE_PID=${claudePid}`, `CLAUDE_CODE_SESSION_ID=${sessionId}`];
  for (let look = 0; look < LOOKS; look += 1) {
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
    // Gone since, or another user's: not one of ours.
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: it is gone already, as wanted. EPERM: the id is another user's by now.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}
