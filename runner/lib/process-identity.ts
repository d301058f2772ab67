import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as z from 'zod';

/**
 * The start time of the process, as an opaque text; `undefined` when there is no such process. The system reuses pids, so
 * a stored pid means the same process only together with its start time.
 */
export function processStart(pid: number): string | undefined {
  if (process.platform === 'linux') {
    let stat: string;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    } catch {
      return undefined;
    }
    // Field 22. The second field, the name in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Names a process. Its id alone does not: the system uses it again. */
const processName = z.object({ pid: z.int(), start: z.string() });

/** The content of a file that names a process. */
export function nameProcess(pid: number): string {
  return JSON.stringify({ pid, start: processStart(pid) ?? '' });
}

/** The id of the process that such a file names, if that still runs. */
export function runningProcess(content: string): number | undefined {
  let named;
  try {
    named = processName.safeParse(JSON.parse(content)).data;
  } catch {
    // Incomplete, because of a crash: it names nobody.
    return undefined;
  }
  return named !== undefined && processStart(named.pid) === named.start ? named.pid : undefined;
}

/** Signals a process, or with a negative pid a process group; false when it is already gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
