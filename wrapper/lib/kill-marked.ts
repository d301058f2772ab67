import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Processes may fork while `/proc` is read: each further scan finds only what the one before missed. */
const SCANS = 50;

/**
 * Kills every process whose environment has all of these (`NAME=value`), which what they start inherits. First all are stopped, until
 * there is none that was not: a fork bomb makes new ones faster than they can be killed. Without `/proc`, nothing is killed.
 */
export function killMarked(marks: readonly string[]): void {
  const stopped = new Set<number>();
  for (let scan = 0; scan < SCANS; scan += 1) {
    const found = marked(marks).filter((pid) => !stopped.has(pid));
    if (found.length === 0) break;
    for (const pid of found) {
      signal(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  for (const pid of stopped) signal(pid, 'SIGKILL');
}

/** Signals a process, or with `-pid` its group. One that is gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // ESRCH: it is gone already. EPERM: the id belongs to another user's process by now.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
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
