import { readdir, readFile } from 'node:fs/promises';

/** The parts of a host that sessions cost something. */
export const PARTS = ['edge', 'runner', 'wrappers', 'claudes', 'inits', 'shims', 'containerd', 'dockerd'] as const;
export type Part = (typeof PARTS)[number];

/** A process, as `/proc` has it. */
interface Found {
  readonly pid: number;
  readonly parent: number;
  /** Arguments with spaces between. */
  readonly command: string;
}

/** How the engine's own processes are known, among those of other engines of the machine. */
export interface EngineMarks {
  /** What their command lines hold; absent: there is one engine on this machine. */
  readonly folder: string | undefined;
  /** The containers that count. */
  readonly containers: ReadonlySet<string>;
}

const NAMED: readonly [Part, RegExp][] = [
  ['dockerd', /^\S*dockerd\b/],
  ['containerd', /^\S*containerd\b(?!-shim)/],
];
const IN_CONTAINER: readonly [Part, RegExp][] = [
  // Its arguments are the wrapper's command.
  ['inits', /^\S*(?:docker-init|tini)\b/],
  ['wrappers', /\bwrapper\.mjs\b/],
];

/** The processes of each part. @param own the process that has started edge and runner */
export function sortProcesses(all: readonly Found[], own: number, marks: EngineMarks): Record<Part, number[]> {
  const byPid = new Map(all.map((found) => [found.pid, found]));
  const parts: Record<Part, number[]> = {
    edge: [],
    runner: [],
    wrappers: [],
    claudes: [],
    inits: [],
    shims: [],
    containerd: [],
    dockerd: [],
  };
  const shims = new Set<number>();
  for (const { pid, command } of all) {
    const id = /^\S*containerd-shim\S* .*-id (\w+)/.exec(command)?.[1];
    if (id !== undefined && marks.containers.has(id)) shims.add(pid);
  }
  parts.shims.push(...shims);
  const below = (pid: number, of: (pid: number) => boolean): boolean => {
    for (let at = byPid.get(pid)?.parent ?? 0; at > 1; at = byPid.get(at)?.parent ?? 0) if (of(at)) return true;
    return false;
  };
  for (const { pid, command } of all) {
    if (shims.has(pid)) continue;
    if (below(pid, (at) => shims.has(at))) {
      // The wrapper's own children are `claude` and what that has started.
      parts[IN_CONTAINER.find(([, mark]) => mark.test(command))?.[0] ?? 'claudes'].push(pid);
    } else if (below(pid, (at) => at === own)) {
      if (/\bworkerd serve\b/.test(command)) parts.edge.push(pid);
      else if (/\brunner\/main\.ts\b/.test(command)) parts.runner.push(pid);
      else if (/\bwrapper\.mjs\b/.test(command)) parts.wrappers.push(pid);
    }
    const named = NAMED.find(([, mark]) => mark.test(command))?.[0];
    if (named !== undefined && (marks.folder === undefined || command.includes(marks.folder))) parts[named].push(pid);
  }
  return parts;
}

/** All processes of the machine. Those that end meanwhile are left out. */
export async function readProcesses(): Promise<Found[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map((pid) =>
      unlessGone(async () => {
        const [stat, command] = await Promise.all([
          readFile(`/proc/${pid}/stat`, 'utf8'),
          readFile(`/proc/${pid}/cmdline`, 'utf8'),
        ]);
        return { pid, parent: fieldOf(stat, 1), command: command.replaceAll('\0', ' ') };
      }),
    ),
  );
  return found.filter((one) => one !== null);
}

/** proc(5): a number of `/proc/PID/stat`, counted after the name, which may hold anything. 0 is the state. */
function fieldOf(stat: string, index: number): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[index] ?? 0);
}

/** What one process has now. */
export interface Usage {
  readonly rssKb: number;
  readonly pssKb: number;
  readonly descriptors: number;
  /** Since it began, milliseconds of processor time. */
  readonly cpuMs: number;
}

/** A tick of the kernel's counters, milliseconds (USER_HZ). */
const TICK_MS = 10;

/** Null: it has ended. @throws EACCES for a process of another user: this wants root */
export async function usageOf(pid: number): Promise<Usage | null> {
  return await unlessGone(async () => {
    const [memory, descriptors, stat] = await Promise.all([
      readFile(`/proc/${pid}/smaps_rollup`, 'utf8'),
      readdir(`/proc/${pid}/fd`),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    return {
      ...parseRollup(memory),
      descriptors: descriptors.length,
      cpuMs: (fieldOf(stat, 11) + fieldOf(stat, 12)) * TICK_MS,
    };
  });
}

/** The sums of `/proc/PID/smaps_rollup`, KB. */
export function parseRollup(text: string): { rssKb: number; pssKb: number } {
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { rssKb: field('Rss'), pssKb: field('Pss') };
}

/** The most descriptors that a process may have (its soft limit); null: it has ended. */
export async function descriptorLimit(pid: number): Promise<number | null> {
  return await unlessGone(async () => {
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(await readFile(`/proc/${pid}/limits`, 'utf8'))?.[1];
    return limit === undefined || limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
  });
}

async function unlessGone<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
}
