import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** npm's record of packages by their place: of those that are wanted, or of those that are there. */
const lockFile = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.string().optional(), optional: z.boolean().optional() })),
});

export interface InstallRequest {
  /** Has a `package.json` and a `package-lock.json`, and gets the `node_modules`. */
  folder: string;
  /** What the packages are, for people. */
  what: string;
  /** Optional packages too, as far as they are for this platform. */
  optional?: boolean;
  /** Gets one line before npm runs, and none when all is there. */
  onProgress: (line: string) => void;
  /** Ends npm: `installPackages` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Runs instead of `npm`. */
  npm?: string;
}

/** `detail`: why not, and what to run. */
export type Installed = { ok: true } | { ok: false; detail: string };

/**
 * Sees to it that a folder has the packages of its lock file, without running their scripts. They are installed
 * beside what is there, and renamed when they are whole: neither a crash nor a second process that does the same leaves half of them.
 */
export async function installPackages(request: InstallRequest): Promise<Installed> {
  const { folder, what, optional = false, onProgress, signal, npm = 'npm' } = request;
  if (await isInstalled(folder)) return { ok: true };
  const flags = ['--ignore-scripts', ...(optional ? [] : ['--omit=optional'])];
  const command = `npm ci --prefix ${shown(folder)} ${flags.join(' ')}`;
  onProgress(`installing ${what}: ${command}`);
  await removeLeftovers(folder);
  const scratch = await mkdtemp(join(folder, `.install-${process.pid}-`));
  try {
    for (const name of ['package.json', 'package-lock.json']) await cp(join(folder, name), join(scratch, name));
    const failure =
      (await runNpm(npm, flags, scratch, signal)) ??
      ((await isInstalled(scratch)) ? undefined : 'npm installed something else');
    signal?.throwIfAborted();
    if (failure === undefined) await moveIn(folder, scratch);
    // Another process may have done it meanwhile.
    else if (!(await isInstalled(folder))) return { ok: false, detail: `${failure}. To try again: ${command}` };
    return { ok: true };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether what is there is what the lock file says, optional packages aside, and nothing else. npm writes its record when it is done. */
async function isInstalled(folder: string): Promise<boolean> {
  const there = await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8').catch(missing);
  if (there === undefined) return false;
  return isDeepStrictEqual(places(there), places(await readFile(join(folder, 'package-lock.json'), 'utf8')));
}

function places(lock: string): Map<string, string | undefined> {
  const { packages } = lockFile.parse(JSON.parse(lock));
  const wanted = Object.entries(packages).filter(([place, { optional }]) => place !== '' && optional !== true);
  return new Map(wanted.map(([place, { integrity }]) => [place, integrity]));
}

/** Whole packages take the place of what is there, unless another process was quicker: its packages are the same, and may be in use. */
async function moveIn(folder: string, scratch: string): Promise<void> {
  const [whole, target] = [join(scratch, 'node_modules'), join(folder, 'node_modules')];
  // First without a look: between a look and a move, others move theirs.
  if ((await moved(whole, target)) || (await isInstalled(folder))) return;
  await rename(target, join(scratch, 'replaced')).catch(missing);
  await moved(whole, target);
}

/** Whether it could take a place where nothing was. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY') throw error;
    return false;
  }
}

/** What processes left here that were killed. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^\.install-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** @returns why it failed, in one line */
async function runNpm(
  npm: string,
  flags: readonly string[],
  folder: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // Without a network npm would otherwise try for more than a minute.
  const patience = ['--prefer-offline', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
  const child = spawn(npm, ['ci', ...flags, ...quiet, ...patience], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal && { signal }),
  });
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(`${npm} could not be run: ${error.message}`));
    child.once('close', (code) => resolve(code === 0 ? undefined : `npm ci failed with exit code ${code}`));
  });
  const [failure, said] = await Promise.all([ended, text(child.stderr)]);
  if (failure === undefined) return undefined;
  const lines = said.split('\n').map((line) => line.replace(/^npm error\s*/, '').trim());
  const why = lines.find((line) => line !== '' && !/^(code|errno|syscall|type|path) /.test(line));
  return why === undefined ? failure : `${failure}: ${why.slice(0, 300)}`;
}

function shown(folder: string): string {
  const path = relative(process.cwd(), folder);
  return path === '' ? '.' : path.startsWith('..') ? folder : path;
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined);

function missing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}
