import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { errorCode } from './file-error.ts';
import type { LogFile } from './log-file.ts';
import { PROJECT } from './project.ts';

/** How long the last lines of a part may take after its end, milliseconds. */
const LAST_LINES_MS = 1_000;

/** The variables of this process that every part gets. */
const COMMON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'];

/**
 * V8's young objects, MB. With its own 16, a part keeps 15 MB for good that only its start has filled.
 */
const YOUNG_MB = 2;

const OUTLIVE_READER = path.join(import.meta.dirname, 'outlive-reader.ts');

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
 * @param lifeline a stream that it holds open as long as it lives
 * @param log where its stdout and stderr go; its path is the program's one argument
 */
export function startPart(
  module: string,
  env: Record<string, string | undefined>,
  log: LogFile,
  preload: readonly string[] = [],
  lifeline?: Writable,
): ChildProcess {
  const part = fork(module, [log.path], {
    cwd: PROJECT,
    detached: true,
    execArgv: [
      `--max-semi-space-size=${YOUNG_MB}`,
      ...[OUTLIVE_READER, ...preload].flatMap((file) => ['--import', pathToFileURL(file).href]),
    ],
    env: { ...inherited(COMMON), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(lifeline === undefined ? [] : [lifeline])],
  });
  for (const output of [part.stdout, part.stderr]) if (output !== null) log.take(output);
  return part;
}

/** Those of this process's variables that are set. */
function inherited(names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Resolves when the part's process has ended and its last lines are read, or when it could not be started. */
export function partExit(part: ChildProcess): Promise<PartExit> {
  if (part.exitCode !== null || part.signalCode !== null) {
    return Promise.resolve({ code: part.exitCode, signal: part.signalCode });
  }
  return new Promise((resolve) => {
    part.once('exit', (code, signal) => {
      // What it started may live on with its output open.
      const timer = setTimeout(() => resolve({ code, signal }), LAST_LINES_MS);
      part.once('close', () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
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

/** How a part ended; with the last line of its log, if it exited by itself. */
export function describeExit({ code, signal }: PartExit, log: LogFile): string {
  if (code === null) return `(${signal ?? 'it could not be started'})`;
  const last = log.lastLine().slice(0, 500);
  return last === '' ? `(code ${code})` : `(code ${code}): ${last}`;
}
