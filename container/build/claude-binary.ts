import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const require = createRequire(import.meta.url);
const manifest = z.object({ version: z.string() });
const MAIN_PACKAGE = '@anthropic-ai/claude-code';

export type ClaudeBinary = { ok: true; path: string } | { ok: false; detail: string };

/** The version of Claude Code that the lock file pins. */
export async function claudeVersion(): Promise<string> {
  const file = require.resolve(`${MAIN_PACKAGE}/package.json`);
  return manifest.parse(JSON.parse(await readFile(file, 'utf8'))).version;
}

/**
 * Finds the Linux binary for an engine of this architecture among the installed packages. npm installs only the binary for
 * its own machine: on a Mac there is none that a container could run.
 */
export async function findClaude(architecture: 'x64' | 'arm64'): Promise<ClaudeBinary> {
  const version = await claudeVersion();
  const name = `${MAIN_PACKAGE}-linux-${architecture}`;
  const remedy = `run: npm install --no-save --force ${name}@${version}`;
  let file: string;
  try {
    file = require.resolve(`${name}/package.json`);
  } catch {
    return { ok: false, detail: `The package ${name} is not installed; ${remedy}` };
  }
  const installed = manifest.parse(JSON.parse(await readFile(file, 'utf8'))).version;
  if (installed !== version) {
    return { ok: false, detail: `${name} is ${installed} where ${version} is wanted; ${remedy}` };
  }
  const path = join(dirname(file), 'claude');
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  return size > 0 ? { ok: true, path } : { ok: false, detail: `${name} holds no binary; ${remedy}` };
}
