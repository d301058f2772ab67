import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { MARKER } from '../../runner/backend/process-sweep.ts';
import { signalProcess } from '../../runner/lib/process-identity.ts';
import type { SessionHost, SessionProcess } from './session-host.ts';

/** How often it is looked how many containers a session has, milliseconds. */
const LOOK_MS = 100;
/** A process that was just begun looks like who began it, until it is another program. */
const FOREIGN_LOOKS = 20;

interface MarkedProcess extends SessionProcess {
  readonly parent: number;
}

/** Sessions as plain processes of this machine. */
export class Processes implements SessionHost {
  readonly mostContainers = new Map<string, number>();
  readonly #folder: string;
  #isOpen = true;
  readonly #watching: Promise<void>;

  /** @param folder of the sessions' folders */
  constructor(folder: string) {
    this.#folder = folder;
    this.#watching = this.#watch();
  }

  processes(): Promise<SessionProcess[]> {
    return sessionProcesses(this.#folder);
  }

  async killAll(sessionId: string): Promise<boolean> {
    const all = (await this.processes()).filter((one) => one.sessionId === sessionId);
    return all.map(({ pid }) => signalProcess(pid, 'SIGKILL')).includes(true);
  }

  async left(): Promise<string[]> {
    return (await this.processes()).map(({ pid, what, sessionId }) => `${what} ${pid} of ${sessionId}`);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#watching;
    for (const { pid } of await this.processes()) signalProcess(pid, 'SIGKILL');
  }

  async #watch(): Promise<void> {
    const foreign = new Map<number, number>();
    while (this.#isOpen) {
      const wrappers = (await sessionProcesses(this.#folder, foreign)).filter(({ what }) => what === 'wrapper');
      const pids = new Set(wrappers.map(({ pid }) => pid));
      // A process that a wrapper has just begun looks like the wrapper, until it is another program.
      const own = wrappers.filter(({ parent }) => !pids.has(parent));
      for (const [id, all] of Map.groupBy(own, ({ sessionId }) => sessionId))
        this.mostContainers.set(id, Math.max(this.mostContainers.get(id) ?? 0, all.length));
      await pause(LOOK_MS);
    }
  }
}

/**
 * What lives of the sessions whose folders are in `folder`. Their mark is in the environment of each (runner/backend/process-sweep.ts).
 *
 * @param foreign of who looks often: how often a process was another one. After some looks it stays so: none becomes a session's later
 */
export async function sessionProcesses(
  folder: string,
  foreign: Map<number, number> = new Map(),
): Promise<MarkedProcess[]> {
  const mark = `${MARKER}=${folder}/`;
  const pids = new Set(await allPids());
  for (const pid of foreign.keys()) if (!pids.has(pid)) foreign.delete(pid);
  const found = await Promise.all(
    [...pids].map(async (pid): Promise<MarkedProcess | null> => {
      const looks = foreign.get(pid) ?? 0;
      if (looks > FOREIGN_LOOKS) return null;
      // An error: it has ended, or is another user's. A dead one that nobody has collected has an empty environment.
      const env = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const entry = env.split('\0').find((one) => one.startsWith(mark));
      if (entry === undefined) return (foreign.set(pid, looks + 1), null);
      return { pid, parent: await parentOf(pid), sessionId: entry.slice(mark.length), what: await kindOf(pid) };
    }),
  );
  return found.filter((one) => one !== null);
}

/** The ids of this machine's processes. */
export async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Which process of a session this is. */
export async function kindOf(pid: number): Promise<SessionProcess['what']> {
  const [program, command] = await Promise.all([
    readlink(`/proc/${pid}/exe`).catch(() => ''),
    readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
  ]);
  if (/\/claude( \(deleted\))?$/.test(program) && command.includes('--input-format')) return 'claude';
  return program.endsWith('/node') && /wrapper\.mjs\0[^\0]*launch\.json/.test(command) ? 'wrapper' : 'tool';
}

/** The parent's id; NaN: it has ended. */
export async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // After the name in parentheses, which may have any character: the state, and the parent.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
