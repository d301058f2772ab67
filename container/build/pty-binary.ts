import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ContextFile } from './build-context.ts';

const require = createRequire(import.meta.url);
const MAIN_PACKAGE = '@lydell/node-pty';
const manifest = z.object({ version: z.string() });

export type PtyBinary = { ok: true; version: string; files: ContextFile[] } | { ok: false; detail: string };

/** The version of node-pty that the lock file pins. */
export async function ptyVersion(): Promise<string> {
  return await versionOf(`${MAIN_PACKAGE}/package.json`);
}

/**
 * Finds node-pty's binary for an engine of this architecture among the installed packages, for the build context: in the image, the wrapper
 * finds it as it does here. npm installs only the one for its own machine.
 */
export async function findPty(architecture: 'x64' | 'arm64'): Promise<PtyBinary> {
  const version = await ptyVersion();
  const name = `${MAIN_PACKAGE}-linux-${architecture}`;
  const remedy = `run: npm install --no-save --force ${name}@${version}`;
  let folder: string;
  try {
    folder = dirname(require.resolve(`${name}/package.json`));
  } catch {
    return { ok: false, detail: `The package ${name} is not installed; ${remedy}` };
  }
  const installed = await versionOf(`${name}/package.json`);
  if (installed !== version) return { ok: false, detail: `${name} is ${installed} where ${version} is wanted; ${remedy}` };
  const files = ['package.json', 'pty.node'].map((file) => ({
    name: `node_modules/${name}/${file}`,
    path: join(folder, file),
    mode: 0o644,
  }));
  const isThere = await Promise.all(files.map(({ path }) => stat(path).then(({ size }) => size > 0, () => false)));
  return isThere.every(Boolean) ? { ok: true, version, files } : { ok: false, detail: `${name} holds no binary; ${remedy}` };
}

async function versionOf(file: string): Promise<string> {
  return manifest.parse(JSON.parse(await readFile(require.resolve(file), 'utf8'))).version;
}
