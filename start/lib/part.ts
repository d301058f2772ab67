import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { errorCode } from './file-error.ts';
import { PROJECT } from './project.ts';

/** The variables of this process that every part gets. */
const COMMON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'];

/** How a part of the service ended. */
export interface PartExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Starts a part of the service as a process of its own, in a process group of its own. So a Ctrl-C in the terminal reaches
 * only `npm` and `start`, and `start` decides what ends when. When `start` itself dies, the part gets a `disconnect`.
 *
 * @param env its environment, besides PATH and the like
 * @param preload modules that it loads first
 * @param log the file for its stdout and stderr; not a pipe, because a pipe breaks when one of its ends dies
 */
export function startPart(
  module: string,
  env: Record<string, string | undefined>,
  log: string,
  preload: readonly string[] = [],
): ChildProcess {
  const output = openSync(log, 'a', 0o600);
  try {
    return fork(module, [], {
      cwd: PROJECT,
      detached: true,
      execArgv: preload.flatMap((file) => ['--import', pathToFileURL(file).href]),
      env: { ...inherited(COMMON), ...env },
      stdio: ['ignore', output, output, 'ipc'],
    });
  } finally {
    closeSync(output);
  }
}

/** Those of this process's variables that are set. */
function inherited(names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Resolves when the part's process has ended, or could not be started. */
export function partExit(part: ChildProcess): Promise<PartExit> {
  if (part.exitCode !== null || part.signalCode !== null) {
    return Promise.resolve({ code: part.exitCode, signal: part.signalCode });
  }
  return new Promise((resolve) => {
    part.once('exit', (code, signal) => resolve({ code, signal }));
    part.on('error', () => part.pid === undefined && resolve({ code: null, signal: null }));
  });
}

/** Kills a part and its process group. When the part has ended already, kills what is left of the group. */
export function killPart(part: ChildProcess): void {
  if (part.pid === undefined) return;
  try {
    process.kill(-part.pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** Begins a new log, and keeps the last one as `LOG.1`. */
export function rotateLog(log: string): void {
  if (existsSync(log)) renameSync(log, `${log}.1`);
}

/** How a part ended; with the last line of its log, if it exited by itself. */
export function describeExit({ code, signal }: PartExit, log: string): string {
  if (code === null) return `(${signal ?? 'it could not be started'})`;
  const last = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').at(-1)?.slice(0, 500) : '';
  return last ? `(code ${code}): ${last}` : `(code ${code})`;
}
