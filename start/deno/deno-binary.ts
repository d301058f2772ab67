import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { installPackages, type Installed, type InstallRequest } from '../../container/build/install-packages.ts';

/** The Deno that `npm run deno` and tests run, once `installDeno` has installed it. */
export const DENO = path.join(import.meta.dirname, 'node_modules/deno/deno');

/** Installs Deno where it is not installed yet. */
export async function installDeno(request: Pick<InstallRequest, 'onProgress'>): Promise<Installed> {
  const installed = await installPackages({ folder: import.meta.dirname, what: 'Deno', optional: true, ...request });
  // Its package is for all platforms, and puts the binary of this one in place by a script of its own.
  if (installed.ok && !existsSync(DENO))
    await promisify(execFile)(process.execPath, [path.join(path.dirname(DENO), 'install.cjs')]);
  return installed;
}
