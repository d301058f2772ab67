import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { signalProcess } from '../lib/process-identity.ts';

/** Environment variable that marks a session's processes: its value is the session's folder, and every child inherits it. */
export const MARKER = 'CC_DOCKER_PROCESS';

/** A killed process is gone within a round or two, unless it is stuck in the kernel. */
const ROUNDS = 200;
const ROUND_MS = 5;

/**
 * Kills every process with this marker, until there is none. Killing the process group is not enough: a tool's child may
 * have left it, since Claude Code starts shells in sessions of their own. Works on Linux only: elsewhere only the group
 * is killed.
 */
export async function killMarked(mark: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let round = 0; round < ROUNDS; round++) {
    const left = await withMarker(`${MARKER}=${mark}`);
    // Repeat: a process may have forked while the list was read.
    if (left.map((pid) => signalProcess(pid, 'SIGKILL')).every((killed) => !killed)) return;
    await pause(ROUND_MS);
  }
}

async function withMarker(entry: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const environments = await Promise.all(
    // An error: the process has ended, or is another user's. A zombie's environment reads as empty.
    pids.map(async (pid) => ({ pid, env: await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '') })),
  );
  return environments
    .filter(({ pid, env }) => pid !== process.pid && env.split('\0').includes(entry))
    .map(({ pid }) => pid);
}
