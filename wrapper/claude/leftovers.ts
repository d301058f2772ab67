import { killMarked, signal } from '../lib/kill-marked.ts';

/**
 * Kills what `claude` has left running. Its Bash tool starts each command in a process session of its own, so killing
 * `claude`'s process group does not reach them. But all of them have the two variables below in their environment. Without
 * `/proc`, only the process group is killed.
 */
export function killLeftovers(claudePid: number, sessionId: string): void {
  signal(-claudePid, 'SIGKILL');
  killMarked([`CLAUDE_PID=${claudePid}`, `CLAUDE_CODE_SESSION_ID=${sessionId}`]);
}
