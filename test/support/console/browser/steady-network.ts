import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const SOURCE = path.join(import.meta.dirname, 'steady-network.c');

/**
 * What is in the environment of a Chromium that shall not notice changes of this machine's network. Where no C compiler is, there is
 * nothing: tests that start containers must not run beside the browser then.
 *
 * @param folder for the compiled library
 */
export async function steadyNetwork(folder: string): Promise<Readonly<Record<string, string>>> {
  if (process.platform !== 'linux' || spawnSync('cc', ['--version']).status !== 0) return {};
  const library = path.join(folder, 'steady-network.so');
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']);
  return { LD_PRELOAD: library };
}
