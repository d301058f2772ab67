import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import * as z from 'zod';
import { processStart } from '../../runner/lib/process-identity.ts';
import { isMissing } from './file-error.ts';

/** Names a process. Its id alone does not: the system uses it again. */
const processName = z.object({ pid: z.int(), start: z.string() });

/** The content of a file that names a process. */
export function nameProcess(pid: number): string {
  return JSON.stringify({ pid, start: processStart(pid) ?? '' });
}

/** The id of the process that such a file names, if that still runs. */
export function runningProcess(content: string): number | undefined {
  let named;
  try {
    named = processName.safeParse(JSON.parse(content)).data;
  } catch {
    // Incomplete, because of a crash: it names nobody.
    return undefined;
  }
  return named !== undefined && processStart(named.pid) === named.start ? named.pid : undefined;
}

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Bytes of a process's name in a file. */
const LENGTH = 128;

/** Names a process in a file. A file that is there is written in its place, which a full disk still allows. */
export function writeProcessFile(file: string, pid: number): void {
  const opened = openSync(file, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    writeSync(opened, nameProcess(pid).padEnd(LENGTH), 0);
  } finally {
    closeSync(opened);
  }
}
