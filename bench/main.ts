import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { claudeVersion, findClaude } from '../container/build/claude-binary.ts';
import { isRefused, type Refused } from '../start/lib/refused.ts';
import { judge } from './goals.ts';
import { measure, type Measurement } from './measure.ts';
import { HELP, parseOptions, type BenchOptions, type Part } from './options.ts';
import { report } from './report.ts';
import { makeScratch } from './lib/scratch.ts';

/** Longest time for ending everything that was started, milliseconds. */
const END_MS = 60_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `npm run bench`. Exit codes: 0 done; 1 could not measure, or with `--check` missed a goal; 130 ended by a signal. */
async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2));
  if (isRefused(command)) return (console.error(command.refused), 1);
  if (command.run === 'help') return (console.log(HELP), 0);
  if (command.parts.every((part) => part in SCRIPTS)) return await runScripts(command);
  const claude = await findBinary();
  if (isRefused(claude)) return (console.error(claude.refused), 1);

  const stop = new AbortController();
  for (const signal of SIGNALS) process.on(signal, () => stop.abort());
  const scratch = await makeScratch();
  const ends: (() => Promise<void>)[] = [scratch.remove];
  const loadBefore = loadavg();
  try {
    const measuring = measure({
      ...command,
      claude: claude.path,
      scratch: scratch.folder,
      signal: stop.signal,
      log: (line) => console.error(`· ${line}`),
      onEnd: (end) => void ends.unshift(end),
    });
    const measurement = await Promise.race([measuring, aborted(stop.signal)]);
    if (measurement === undefined) return 130;
    const code = await conclude(command, measurement, loadBefore);
    return command.json ? code : Math.max(code, await runScripts(command));
  } finally {
    stop.abort();
    const exitTimer = setTimeout(() => process.exit(1), END_MS);
    for (const end of ends) await end();
    clearTimeout(exitTimer);
  }
}

async function conclude(options: BenchOptions, measurement: Measurement, loadBefore: number[]): Promise<number> {
  const { samples, lines, quiet, skipped } = measurement;
  const goals = judge(measurement, options.parts);
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
    console.log(
      JSON.stringify({ machine, rounds: options.rounds, left: skipped, goals, samples_ms: { ...samples, lines } }),
    );
  } else {
    console.log(`CC-Docker bench, demo model, ${options.rounds} rounds
${machine.cores} cores (${machine.cpu}), Node ${machine.node}, Claude Code ${machine.claude}
load ${machine.load_before.toFixed(2)} before, ${machine.load_after.toFixed(2)} after; other work was under way at ${machine.busy} measurements
`);
    if (quiet.inVain > quiet.waits / 10) console.log('The machine was busy: take these figures with care.\n');
    for (const line of skipped) console.log(`${line}\n`);
    console.log(report(measurement, goals));
    if (lines !== undefined && lines.others > 0)
      console.log(`\n${lines.others} further lines of claude's were not for clients.`);
  }
  return options.check && goals.some(({ met }) => !met) ? 1 : 0;
}

/** Parts that are scripts of their own and print their own figures. */
const SCRIPTS: Partial<Record<Part, { title: string; files: readonly string[] }>> = {
  'way-out': { title: 'The way out', files: ['model-call.ts', 'egress.ts', 'tunnel.ts'] },
  snapshots: { title: 'Snapshots', files: ['snapshots.ts', 'wake.ts'] },
  cpu: { title: 'Processor time of a turn', files: ['turn-cpu.ts'] },
  environments: { title: 'A session of a cached environment', files: ['environment.ts'] },
  console: { title: 'The console in a browser', files: ['console.ts'] },
  bounds: { title: 'One tenant at each bound, and what another feels', files: ['bounds.ts'] },
};

async function runScripts({ parts, check }: BenchOptions): Promise<number> {
  let missed = 0;
  for (const part of parts) {
    const { title, files } = SCRIPTS[part] ?? { title: '', files: [] };
    if (files.length > 0) console.log(`\n${title}`);
    for (const file of files) {
      const script = spawn(process.execPath, [path.join(import.meta.dirname, 'rows', file)], { stdio: 'inherit' });
      const [code] = await once(script, 'exit');
      if (code !== 0) missed = 1;
    }
  }
  return check ? missed : 0;
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
