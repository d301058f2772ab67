import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContextFile } from './build-context.ts';
import { installPackages, type Installed, type InstallRequest } from './install-packages.ts';

/** The MCP servers that sessions can name as presets: the catalogue, and a package of its own that depends on all of theirs. */
const FOLDER = fileURLToPath(new URL('../mcp', import.meta.url));
export const CATALOGUE = join(FOLDER, 'catalogue.json');
/** Names each package of the servers', with its version. */
export const MCP_LOCK = join(FOLDER, 'package-lock.json');

/** Installs the servers' packages where they are not installed yet. */
export async function installMcpServers(request: Pick<InstallRequest, 'onProgress' | 'signal'>): Promise<Installed> {
  return await installPackages({ folder: FOLDER, what: 'the MCP servers', ...request });
}

/** For compilers and people, not for running: a third of all files. And npm's own record. */
const NOT_RUN = /\.(map|d\.[cm]?ts)$|^\.package-lock\.json$/;

/**
 * For the build context: the catalogue and, once they are installed, the servers' packages, where they lie to one another as they do here. Of
 * optional packages there are none: DBHub comes without the drivers, and the clouds, of five other databases.
 */
export async function mcpFiles(installed: boolean): Promise<ContextFile[]> {
  const files: ContextFile[] = [{ name: 'mcp/catalogue.json', path: CATALOGUE, mode: 0o644 }];
  const take = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await take(path);
      else if (entry.isFile() && !NOT_RUN.test(entry.name))
        files.push({ name: `mcp/${relative(FOLDER, path)}`, path, mode: 0o644 });
    }
  };
  if (installed) await take(join(FOLDER, 'node_modules'));
  return files;
}
