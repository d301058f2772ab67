import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode, isMissing } from '../lib/file-error.ts';

/** Longest wait for all threads to stand still, milliseconds: a write to the disk may be under way. */
const STILL_MS = 5_000;
const LOOK_MS = 2;

/** Lets the process go on when its input ends, so also when this process is killed. */
const GUARD = 'read -r _; kill -CONT "$1"';

/**
 * Has a process stand still while `work` runs: what it has on the disk is then as after a kill at that moment. It goes on whatever
 * becomes of this process.
 *
 * @returns what `work` returns, and for how long the process stood still, milliseconds
 * @throws what `work` throws, or when the process does not stand still
 */
export async function whilePaused<T>(pid: number, work: () => T): Promise<{ value: T; pausedMs: number }> {
  const guard = spawn('sh', ['-c', GUARD, 'sh', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const gone = once(guard, 'exit');
  await once(guard, 'spawn');
  const begun = performance.now();
  try {
    process.kill(pid, 'SIGSTOP');
    await untilStill(pid);
    const value = work();
    return { value, pausedMs: performance.now() - begun };
  } finally {
    goOn(pid);
    guard.stdin.end('\n');
    await gone;
  }
}

/** Whether the process is still the same, its caller sees. */
function goOn(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

async function untilStill(pid: number): Promise<void> {
  const until = performance.now() + STILL_MS;
  while (!(await isStill(pid))) {
    if (performance.now() > until) throw new Error(`process ${pid} does not stand still`);
    await delay(LOOK_MS);
  }
}

async function isStill(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
    return stdout.trim().startsWith('T');
  }
  return readdirSync(`/proc/${pid}/task`).every((thread) => stateOf(pid, thread) === 'T');
}

/** A thread's state. One that has ended writes nothing either. */
function stateOf(pid: number, thread: string): string {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    // After the name, which may have any character in it.
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch (error) {
    if (isMissing(error)) return 'T';
    throw error;
  }
}
