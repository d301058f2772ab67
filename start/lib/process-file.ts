import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { nameProcess } from '../../runner/lib/process-identity.ts';
import { isMissing } from './file-error.ts';

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
