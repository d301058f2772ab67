import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './project.ts';

/**
 * Runs a program of this project in a process of its own, which ends: what it has loaded would stay in this process's memory for as
 * long as the service runs.
 *
 * @param program its path in the project; it prints JSON
 * @returns what it has printed, parsed
 * @throws with what it says, when it fails
 */
export async function inOwnProcess(program: string, ...words: string[]): Promise<unknown> {
  // In a process group of its own: a Ctrl-C at the terminal is for this process, which then ends in order.
  const options = { cwd: PROJECT, detached: true };
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(PROJECT, program), ...words], options);
  return JSON.parse(stdout);
}
