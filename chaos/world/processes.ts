import { readdir, readFile, readlink } from 'node:fs/promises';
import { MARKER } from '../../runner/backend/process-sweep.ts';

/** A process of a session that lives. */
export interface SessionProcess {
  readonly pid: number;
  readonly parent: number;
  /** Of the session's folder. */
  readonly sessionId: string;
  readonly what: 'wrapper' | 'claude' | 'tool';
}

/** What lives of the sessions whose folders are in `folder`. Their mark is in the environment of each (runner/backend/process-sweep.ts). */
export async function sessionProcesses(folder: string): Promise<SessionProcess[]> {
  const mark = `${MARKER}=${folder}/`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid): Promise<SessionProcess | null> => {
      // An error: it has ended, or is another user's. A dead one that nobody has collected has an empty environment.
      const env = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const entry = env.split('\0').find((one) => one.startsWith(mark));
      if (entry === undefined) return null;
      return { pid, parent: await parentOf(pid), sessionId: entry.slice(mark.length), what: await kindOf(pid) };
    }),
  );
  return found.filter((one) => one !== null);
}

async function kindOf(pid: number): Promise<SessionProcess['what']> {
  const [program, command] = await Promise.all([
    readlink(`/proc/${pid}/exe`).catch(() => ''),
    readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
  ]);
  if (/\/claude( \(deleted\))?$/.test(program) && command.includes('--input-format')) return 'claude';
  return /wrapper\.mjs\0[^\0]*launch\.json/.test(command) ? 'wrapper' : 'tool';
}

async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // After the name in parentheses, which may have any character: the state, and the parent.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
