import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * A new folder for all that the benchmark writes. Not in the folder for temporary files unless TMPDIR says so: that may
 * be in memory, where nothing that is stored costs anything. Short, because the paths of unix sockets have to be.
 */
export async function makeScratch(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(process.env['TMPDIR'] || '/var/tmp', 'ccdb-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
