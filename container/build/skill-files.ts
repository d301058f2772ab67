import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContextFile } from './build-context.ts';

const SKILLS = fileURLToPath(new URL('../skills', import.meta.url));

/** All files of the skills, for the build context. */
export async function skillFiles(): Promise<ContextFile[]> {
  const entries = await readdir(SKILLS, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ name: `skills/${relative(SKILLS, path)}`, path, mode: 0o644 }));
}
