import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * A new folder for all that the benchmark writes. It is below `/var/tmp` unless TMPDIR is set: `/tmp` may be in memory, where
 * storing costs nothing. Its path is short, because the paths of unix sockets must be.
 */
export async function makeScratch(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(process.env['TMPDIR'] || '/var/tmp', 'ccdb-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
