import { readdir, readFile } from 'node:fs/promises';

/** A tick of the kernel's counters, milliseconds (USER_HZ). */
const TICK_MS = 10;

/** The command line of the edge that `npm start` runs. */
export const EDGE = /\bworkerd serve\b/;

/** What a process has used since it began. */
export interface ProcessCost {
  readonly cpuMs: number;
  /** Bytes that it has given to the disk: a page that is written twice counts twice. */
  readonly diskBytes: number;
}

/** The processes below this one whose command line matches. */
export async function findAllBelow(command: RegExp): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (command.test(line.replaceAll('\0', ' ')) && (await isBelow(Number(entry)))) found.push(Number(entry));
  }
  return found;
}

/** The one process below this one whose command line matches. @throws when there is none, or more */
export async function findBelow(command: RegExp): Promise<number> {
  const [pid, ...others] = await findAllBelow(command);
  if (pid === undefined || others.length > 0) throw new Error(`not one process matches ${String(command)}`);
  return pid;
}

async function isBelow(pid: number): Promise<boolean> {
  for (let at = pid; at > 1;) {
    if (at === process.pid) return true;
    const stat = await readFile(`/proc/${at}/stat`, 'utf8').catch(() => '');
    at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  }
  return false;
}

/** proc(5): of its processor time in ticks, and of its I/O. */
export async function costOf(pid: number): Promise<ProcessCost> {
  const [stat, io] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/io`, 'utf8')]);
  // The fields after the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const diskBytes = Number(/^write_bytes: (\d+)/m.exec(io)?.[1]);
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS, diskBytes };
}

/** The processor time of all threads that a process has, milliseconds, as exactly as the kernel counts it (proc(5), `schedstat`). */
export async function exactCpuMs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(threads.map((one) => readFile(`/proc/${pid}/task/${one}/schedstat`, 'utf8')));
  return texts.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6;
}
