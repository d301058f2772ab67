import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { errorCode } from './file-error.ts';
import { PROJECT } from './project.ts';

/** What of this process's environment every part may have. */
const COMMON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'NODE_EXTRA_CA_CERTS'];

/** How a part of the service ended. */
export interface PartExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Starts a part of the service as a process of its own, in a group of its own: a Ctrl-C in the terminal reaches `npm`
 * and `start`, and `start` alone decides what ends when. That `start` itself is gone, a part sees by its `disconnect`.
 *
 * @param env all that it is given, besides the likes of PATH
 * @param preload modules that it loads first
 * @param log gets its stdout and stderr; a file, so that neither outlives the other's end of a pipe
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

/** Ends a part and what it has started in its group, at once; also what is left of the group when the part has ended. */
export function killPart(part: ChildProcess): void {
  if (part.pid === undefined) return;
  try {
    process.kill(-part.pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** Begins a new log, and keeps the one before it. */
export function rotateLog(log: string): void {
  if (existsSync(log)) renameSync(log, `${log}.1`);
}

/** How a part ended, with its last words if it ended of its own accord. */
export function describeExit({ code, signal }: PartExit, log: string): string {
  if (code === null) return `(${signal ?? 'it could not be started'})`;
  const said = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').at(-1)?.slice(0, 500) : '';
  return said ? `(code ${code}): ${said}` : `(code ${code})`;
}
