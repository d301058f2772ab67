import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { claudeVersion, findClaude } from '../container/build/claude-binary.ts';
import { isRefused, type Refused } from '../start/lib/refused.ts';
import { measure, type Measurement } from './measure.ts';
import { makeScratch } from './lib/scratch.ts';
import { HELP, parseOptions, type BenchOptions } from './options.ts';
import { SCRIPTS } from './parts.ts';
import { goalsReport, report } from './report.ts';
import {
  FIGURES_VARIABLE,
  figureNow,
  parseReported,
  readFigures,
  writeFigures,
  type Figures,
} from './table/figures.ts';
import { figuresOf } from './table/from-samples.ts';
import { ROWS, verdict } from './table/rows.ts';
import { writePages } from './table/write-pages.ts';

/** Longest time for ending everything that was started, milliseconds. */
const END_MS = 60_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `npm run bench`. Exit codes: 0 done; 1 could not measure, or with `--check` missed a goal; 130 ended by a signal. */
async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2));
  if (isRefused(command)) return (console.error(command.refused), 1);
  if (command.run === 'help') return (console.log(HELP), 0);

  const stop = new AbortController();
  for (const signal of SIGNALS) process.on(signal, () => stop.abort());
  const scratch = await makeScratch();
  const ends: (() => Promise<void>)[] = [scratch.remove];
  try {
    const onEnd = (end: () => Promise<void>) => void ends.unshift(end);
    const running = measureParts(command, scratch.folder, stop.signal, onEnd);
    const run = await Promise.race([running, aborted(stop.signal)]);
    if (run === undefined) return 130;
    if (isRefused(run)) return (console.error(run.refused), 1);
    return await conclude(command, run);
  } finally {
    stop.abort();
    const exitTimer = setTimeout(() => process.exit(1), END_MS);
    for (const end of ends) await end();
    clearTimeout(exitTimer);
  }
}

/** What a run has found. `failed`: a script missed a goal of its own, or could not measure. */
interface Run {
  readonly figures: Figures;
  readonly failed: boolean;
}

const log = (line: string): void => console.error(`· ${line}`);

/** Measures all parts. Tables and samples of each are printed as they come. @returns the figures of this run */
async function measureParts(
  command: BenchOptions,
  scratch: string,
  signal: AbortSignal,
  onEnd: (end: () => Promise<void>) => void,
): Promise<Run | Refused> {
  let own: Figures = {};
  if (command.parts.some((part) => part in IN_PROCESS)) {
    const claude = await findBinary();
    if (isRefused(claude)) return claude;
    const loadBefore = loadavg();
    const measurement = await measure({ ...command, claude: claude.path, scratch, signal, log, onEnd });
    own = Object.fromEntries(figuresOf(measurement).map(([id, value]) => [id, figureNow(value)]));
    await show(command, measurement, loadBefore);
  }
  if (command.json) return { figures: own, failed: false };
  const scripts = await runScripts(command, scratch);
  return { figures: { ...own, ...scripts.figures }, failed: scripts.failed };
}

/** Parts that this process measures itself. */
const IN_PROCESS = { process: true, docker: true, line: true };

async function show(options: BenchOptions, measurement: Measurement, loadBefore: number[]): Promise<void> {
  const { samples, lines, quiet, skipped } = measurement;
  const machine = {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    claude: await claudeVersion(),
    load_before: loadBefore[0] ?? 0,
    load_after: loadavg()[0] ?? 0,
    busy: `${quiet.inVain} of ${quiet.waits}`,
  };
  if (options.json) {
    const figures = Object.fromEntries(figuresOf(measurement));
    console.log(
      JSON.stringify({ machine, rounds: options.rounds, left: skipped, figures, samples_ms: { ...samples, lines } }),
    );
    return;
  }
  console.log(`CC-Docker bench, demo model, ${options.rounds} rounds
${machine.cores} cores (${machine.cpu}), Node ${machine.node}, Claude Code ${machine.claude}
load ${machine.load_before.toFixed(2)} before, ${machine.load_after.toFixed(2)} after; other work was under way at ${machine.busy} measurements
`);
  if (quiet.inVain > quiet.waits / 10) console.log('The machine was busy: take these figures with care.\n');
  for (const line of skipped) console.log(`${line}\n`);
  console.log(report(measurement));
  if (lines !== undefined && lines.others > 0)
    console.log(`\n${lines.others} further lines of claude's were not for clients.`);
}

/** Says which goals are met, and keeps the figures. */
async function conclude(options: BenchOptions, { figures: fresh, failed }: Run): Promise<number> {
  const all = { ...(await readFigures()), ...fresh };
  if (!options.json) console.log(`\n${goalsReport(ROWS, all, ({ id }) => id in fresh)}`);
  if (options.write && Object.keys(fresh).length > 0) {
    await writeFigures(all);
    const changed = await writePages(all);
    if (changed.length > 0) console.error(`· written: bench/figures.json, ${changed.join(', ')}`);
  }
  const asked = ROWS.filter(({ part }) => options.parts.includes(part));
  const isMissed = asked.some((row) => ['MISSED', 'no figure'].includes(verdict(row, fresh[row.id]?.value)));
  return options.check && (failed || isMissed) ? 1 : 0;
}

async function runScripts({ parts }: BenchOptions, scratch: string): Promise<Run> {
  const file = path.join(scratch, 'figures.jsonl');
  await writeFile(file, '');
  let failed = false;
  for (const part of parts) {
    const { title, files } = SCRIPTS[part] ?? { title: '', files: [] };
    if (files.length > 0) console.log(`\n${title}`);
    for (const name of files) {
      const script = spawn(process.execPath, [path.join(import.meta.dirname, name)], {
        stdio: 'inherit',
        env: { ...process.env, [FIGURES_VARIABLE]: file },
      });
      const [code] = await once(script, 'exit');
      failed ||= code !== 0;
    }
  }
  return { figures: parseReported(await readFile(file, 'utf8')), failed };
}

async function findBinary(): Promise<{ path: string } | Refused> {
  const configured = process.env['CLAUDE_PATH'];
  if (configured) return { path: configured };
  const { arch, platform } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64'))
    return { refused: `set CLAUDE_PATH: which claude binary runs on ${platform} ${arch}?` };
  const found = await findClaude(arch);
  return found.ok ? found : { refused: found.detail };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

process.exit(await main());
