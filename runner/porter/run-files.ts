import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pack, type Pack } from 'tar-stream';

/**
 * The plain files of a session's run folder, as a tar: what a container on the runner's own machine has mounted. They are
 * small, and written by the runner alone.
 */
export async function packRunFiles(run: string): Promise<Pack> {
  const archive = pack();
  for (const name of (await readdir(run)).toSorted()) {
    const file = path.join(run, name);
    const stats = await lstat(file);
    if (!stats.isFile()) continue;
    archive.entry({ name, mode: stats.mode & 0o777 }, await readFile(file));
  }
  archive.finalize();
  return archive;
}
