import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findClaude } from '../../container/build/claude-binary.ts';
import { isRefused } from '../../start/lib/refused.ts';
import { readProcesses, usageOf } from '../host/processes.ts';
import { makeScratch } from '../lib/scratch.ts';
import { INSTANT } from '../lib/script.ts';
import { startService } from '../lib/service.ts';
import { newSession } from '../lib/stack-session.ts';
import { reportFigure } from '../table/figures.ts';

/**
 * The memory of a service that has just started (RSS and PSS of all its processes, MB), and that of a session over what `claude` itself
 * has: its wrapper, the mean of several. On the process backend, after the first turn of each session.
 *
 * `node bench/rows/memory.ts [SESSIONS]`
 */

const SESSIONS = Number(process.argv[2] ?? 4);
/** Until what a start leaves behind has been collected and given back. */
const SETTLE_MS = 5000;

interface Memory {
  rss: number;
  pss: number;
}

/** A process that is below this one, with its command line, MB. */
async function memoryBelow(): Promise<(Memory & { command: string })[]> {
  const all = await readProcesses();
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isBelow = (pid: number): boolean => {
    for (let at = parents.get(pid) ?? 0; at > 1; at = parents.get(at) ?? 0) if (at === process.pid) return true;
    return false;
  };
  const below = all.filter(({ pid }) => isBelow(pid));
  const usage = await Promise.all(below.map(({ pid }) => usageOf(pid)));
  return below.flatMap(({ command }, n) => {
    const of = usage[n];
    return of ? [{ command, rss: of.rssKb / 1024, pss: of.pssKb / 1024 }] : [];
  });
}

const sum = (all: readonly Memory[]): Memory =>
  all.reduce((a, b) => ({ rss: a.rss + b.rss, pss: a.pss + b.pss }), { rss: 0, pss: 0 });
const shown = ({ rss, pss }: Memory) => `RSS ${rss.toFixed(0)} MB, PSS ${pss.toFixed(0)} MB`;

const found = await findClaude(process.arch === 'arm64' ? 'arm64' : 'x64');
if (!found.ok) throw new Error(found.detail);
const scratch = await makeScratch();
const ends: (() => Promise<void>)[] = [scratch.remove];
try {
  const folder = path.join(scratch.folder, 'service');
  await mkdir(folder);
  const service = await startService(
    { backend: 'process', folder, claude: found.path },
    (stop) => void ends.unshift(stop),
  );
  if (isRefused(service)) throw new Error(service.refused);
  await delay(SETTLE_MS);
  const parts = await memoryBelow();
  for (const part of parts) console.log(`  ${shown(part)}  ${part.command.slice(0, 100)}`);
  const whole = sum(parts);
  console.log(`the service: ${shown(whole)}`);
  reportFigure('memory.service', whole.rss);
  reportFigure('memory.service.pss', whole.pss);

  const sessions = [];
  for (let n = 0; n < SESSIONS; n += 1) sessions.push(await newSession(service, INSTANT));
  await delay(SETTLE_MS);
  const wrappers = (await memoryBelow()).filter(({ command }) => /\bwrapper\.mjs\b/.test(command));
  const all = sum(wrappers);
  const each = { rss: all.rss / SESSIONS, pss: all.pss / SESSIONS };
  console.log(`a session over claude's own, mean of ${SESSIONS}: ${shown(each)}`);
  reportFigure('memory.session.rss', each.rss);
  reportFigure('memory.session.pss', each.pss);
  for (const session of sessions) await session.end();
} finally {
  for (const end of ends) await end();
}
