import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { signalProcess } from '../lib/process-identity.ts';

/** Environment variable, the session's folder, that tells its processes from all others: every child inherits it. */
export const MARKER = 'CC_DOCKER_PROCESS';

/** A killed process is gone within a round or two, unless the kernel itself holds it. */
const ROUNDS = 200;
const ROUND_MS = 5;

/**
 * Kills every process that carries this marker, until there is none. A tool's child may have left the process group
 * (Claude Code starts shells in sessions of their own), and a container's kill is not at hand here. Linux
 * only: elsewhere the group's kill has to do.
 */
export async function killMarked(mark: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let round = 0; round < ROUNDS; round++) {
    const left = await withMarker(`${MARKER}=${mark}`);
    // Again after each round: one may have forked while the list was read.
    if (left.map((pid) => signalProcess(pid, 'SIGKILL')).every((killed) => !killed)) return;
    await pause(ROUND_MS);
  }
}

async function withMarker(entry: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const environments = await Promise.all(
    // Gone meanwhile, another user's, or a zombie, whose environment reads as empty.
    pids.map(async (pid) => ({ pid, env: await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '') })),
  );
  return environments
    .filter(({ pid, env }) => pid !== process.pid && env.split('\0').includes(entry))
    .map(({ pid }) => pid);
}
