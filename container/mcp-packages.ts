import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { mcpCatalogue } from '../protocol/settings/mcp-catalogue.ts';
import type { ContextFile } from './build-context.ts';

/** The installation that this is: its packages are what its lock file pins. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The MCP servers that sessions can name as presets. */
export const CATALOGUE = fileURLToPath(new URL('mcp/catalogue.json', import.meta.url));

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().default(false) })).default({}),
});

/** What the MCP servers of the catalogue are made of. */
export interface McpPackages {
  /** Folders of packages, absolute, each with `name@version`. */
  folders: Map<string, string>;
  /** Packages that are not installed; what needs them is missing from the image. */
  missing: string[];
}

/**
 * The packages of the catalogue's servers with all that these need, as they are installed here. Without optional ones: of those a server gets
 * what the catalogue names (`with`), so that DBHub comes without the drivers, and the clouds, of five other databases.
 */
export async function mcpPackages(): Promise<McpPackages> {
  const catalogue = mcpCatalogue.parse(JSON.parse(await readFile(CATALOGUE, 'utf8')));
  const found: McpPackages = { folders: new Map(), missing: [] };
  const visit = async (name: string, from: string): Promise<void> => {
    const folder = installed(name, from);
    if (folder === undefined) {
      found.missing.push(name);
      return;
    }
    if (found.folders.has(folder)) return;
    const read = manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
    found.folders.set(folder, `${read.name}@${read.version}`);
    const optional = (needed: string) =>
      needed in read.optionalDependencies || read.peerDependenciesMeta[needed]?.optional === true;
    const needed = Object.keys({ ...read.dependencies, ...read.peerDependencies }).filter((each) => !optional(each));
    for (const each of needed) await visit(each, folder);
  };
  for (const server of Object.values(catalogue)) {
    if (!('package' in server)) continue;
    for (const name of [server.package, ...server.with]) await visit(name, ROOT);
  }
  return found;
}

/** Node's own way to a package: the nearest `node_modules` that has it. */
function installed(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (relative(ROOT, folder) === '') return undefined;
  }
}

/** For compilers and people, not for running: a third of all files. */
const NOT_RUN = /\.(map|d\.[cm]?ts)$/;

/** Those packages' files, for the build context, where they lie to one another as they do here. */
export async function mcpFiles({ folders }: McpPackages): Promise<ContextFile[]> {
  const files: ContextFile[] = [{ name: 'mcp/catalogue.json', path: CATALOGUE, mode: 0o644 }];
  const take = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      // What lies in there is a package of its own, and is taken where it is needed.
      if (entry.isDirectory() && entry.name !== 'node_modules') await take(path);
      else if (entry.isFile() && !NOT_RUN.test(entry.name))
        files.push({ name: `mcp/${relative(ROOT, path)}`, path, mode: 0o644 });
    }
  };
  for (const folder of [...folders.keys()].sort()) await take(folder);
  return files;
}
