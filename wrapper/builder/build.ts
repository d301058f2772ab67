import { accessSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  BUILD_FILE,
  buildLaunch,
  ENVIRONMENT_HOME,
  type BuildLaunch,
  type BuildReport,
} from '../../protocol/link/environment/build-launch.ts';
import { WrapperExit } from '../../protocol/link/wrapper/wrapper-exit.ts';
import { judgeBuildSeal } from '../seal/build-seal.ts';
import { PidsWatch, readPids, STUCK_MS } from '../seal/pids-watch.ts';
import { readSealFacts } from '../seal/seal-facts.ts';
import { openEgress } from '../workspace/egress.ts';
import { runSetup } from './setup-run.ts';

/** Between two looks at the number of processes, milliseconds. */
const LOOK_MS = 1_000;

/** What every session needs of its image. Node, Claude Code and this program are the runner's own. */
const NEEDED = ['bash', 'git'];

/** What is of no use in an image: lists and packages that apt fetched, and temporary files. */
const EMPTIED = ['/var/lib/apt/lists', '/var/cache/apt/archives', '/tmp', '/var/tmp'];

/** `node wrapper.mjs build BUILD_JSON`: makes what is in this container ready to be an image. @returns the exit code */
export async function build(file = BUILD_FILE): Promise<number> {
  let launch: BuildLaunch;
  try {
    launch = buildLaunch.parse(JSON.parse(readFileSync(file, 'utf8')));
    const broken = judgeBuildSeal(await readSealFacts({ link_socket: launch.egress.socket }), launch);
    if (broken !== undefined) return ended({ report: 'seal_broken', detail: broken }, WrapperExit.sealBroken);
  } catch (error) {
    return ended({ report: 'failed', detail: String(error).slice(0, 1024) });
  }
  const listeners = openEgress(launch.egress);
  const problem = await listeners.opened;
  if (problem !== null) return ended({ report: 'failed', detail: problem });
  mkdirSync(ENVIRONMENT_HOME, { recursive: true, mode: 0o755 });
  if (launch.setup) {
    const failed = await setUp(launch.env);
    if (failed !== undefined) return failed;
  }
  const missing = NEEDED.filter((program) => !isInstalled(program, launch.env['PATH'] ?? ''));
  if (missing.length > 0) return ended({ report: 'missing', programs: missing });
  for (const folder of EMPTIED) empty(folder);
  const rustup = path.join(ENVIRONMENT_HOME, '.rustup');
  return ended({ report: 'done', env: existsSync(rustup) ? { RUSTUP_HOME: rustup } : {} }, WrapperExit.done);
}

/** @returns the exit code when it failed */
async function setUp(env: Readonly<Record<string, string>>): Promise<number | undefined> {
  if (!isInstalled('bash', env['PATH'] ?? '')) return ended({ report: 'missing', programs: ['bash'] });
  const watch = new PidsWatch(STUCK_MS);
  const looks = setInterval(() => {
    const reading = readPids();
    // What it has started is ended with this program: it is the container's own.
    if (reading !== null && watch.sample(reading, Date.now()))
      process.exit(ended({ report: 'out_of_pids' }, WrapperExit.outOfPids));
  }, LOOK_MS);
  const end = await runSetup(env);
  clearInterval(looks);
  if (end.code === 0) return undefined;
  const reading = readPids();
  if (reading !== null) watch.sample(reading, Date.now());
  return ended({ report: 'setup_failed', ...end, out_of_pids: watch.refusedLately(Date.now()) });
}

function ended(report: BuildReport, code: number = WrapperExit.failed): number {
  process.stderr.write(`${JSON.stringify(report)}\n`);
  return code;
}

function isInstalled(program: string, searchPath: string): boolean {
  return searchPath.split(':').some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Removes what is in a folder of the system. One that is a link is left: what it leads to may be meant to stay. */
function empty(folder: string): void {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true, force: true });
}
