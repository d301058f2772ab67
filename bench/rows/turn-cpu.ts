import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findClaude } from '../../container/build/claude-binary.ts';
import { isRefused } from '../../start/lib/refused.ts';
import { makeScratch } from '../lib/scratch.ts';
import { INSTANT } from '../lib/script.ts';
import { startService } from '../lib/service.ts';
import { newSession } from '../lib/stack-session.ts';
import { median } from '../lib/statistics.ts';
import { keepOpen } from '../raw/raw-claude.ts';
import { startRawModel } from '../raw/raw-model.ts';

/**
 * The processor time of a turn, by process, beside that of `claude` by hand. On a machine with few cores it says how much
 * longer a turn takes: while `claude` works, it needs more than one core itself.
 *
 * `node bench/rows/turn-cpu.ts [TURNS]`
 */

const TURNS = Number(process.argv[2] ?? 40);
const WARM_UP = 10;
/** Between turns, milliseconds: what a turn leaves to be done is then done within its own time. */
const PAUSE_MS = 30;
/** A tick of the kernel's counters, milliseconds (USER_HZ). */
const TICK_MS = 10;

interface Used {
  readonly name: string;
  readonly ms: number;
}

/** The processes below this one, by number, with the processor time that each has had. */
async function processes(): Promise<Map<number, Used>> {
  const all = new Map<number, Used & { parent: number }>();
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const known = await readProcess(pid);
    if (known !== null) all.set(pid, known);
  }
  const isBelow = (pid: number): boolean => pid === process.pid || isBelowParent(all.get(pid)?.parent);
  const isBelowParent = (parent: number | undefined): boolean => parent !== undefined && parent > 1 && isBelow(parent);
  return new Map([...all].filter(([pid]) => isBelow(pid)));
}

/** Null: it has just ended. */
async function readProcess(pid: number): Promise<(Used & { parent: number }) | null> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // proc(5): the fields after the name, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const words = command.split('\0').filter((word) => word !== '' && !word.startsWith('-'));
    const name = words.slice(0, 2).map((word) => path.basename(word));
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { parent: Number(fields[1]), name: name.join(' ').slice(0, 40), ms: ticks * TICK_MS };
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
}

async function measure(what: string, turn: () => Promise<number>): Promise<void> {
  for (let n = 0; n < WARM_UP; n += 1) await turn();
  await delay(500);
  const before = await processes();
  const took: number[] = [];
  for (let n = 0; n < TURNS; n += 1) {
    took.push(await turn());
    await delay(PAUSE_MS);
  }
  const used = [...(await processes())].map(([pid, { name, ms }]) => ({
    name,
    ms: (ms - (before.get(pid)?.ms ?? 0)) / TURNS,
  }));
  const sum = used.reduce((all, { ms }) => all + ms, 0);
  console.log(`${what}: ${median(took).toFixed(1)} ms of wall clock, ${sum.toFixed(1)} ms of processor time`);
  for (const { name, ms } of used.filter((one) => one.ms >= 0.5))
    console.log(`  ${ms.toFixed(1).padStart(6)} ms  ${name}`);
}

const found = await findClaude(process.arch === 'arm64' ? 'arm64' : 'x64');
if (!found.ok) throw new Error(found.detail);
const claude = found.path;
const scratch = await makeScratch();
const ends: (() => Promise<void>)[] = [scratch.remove];
try {
  const folder = path.join(scratch.folder, 'service');
  const service = await startService({ backend: 'process', folder, claude }, (stop) => void ends.unshift(stop));
  if (isRefused(service)) throw new Error(service.refused);
  const session = await newSession(service, INSTANT);
  await measure('a turn of a session', () => session.chatOverSocket(INSTANT));
  await session.end();

  const raw = path.join(scratch.folder, 'raw');
  await mkdir(raw);
  const model = await startRawModel(raw);
  ends.unshift(() => model.stop());
  const { signal } = new AbortController();
  const byHand = await keepOpen({ claude, modelSocket: model.socketPath, folder: raw, signal }, INSTANT);
  await measure('a turn by hand', () => byHand.chat(INSTANT));
  await byHand.end();
} finally {
  for (const end of ends) await end();
}
