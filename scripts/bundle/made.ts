import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { PROJECT } from '../../start/lib/project.ts';

/** What a service runs that is made of its sources: the edge's Worker with what it serves, and what runs in containers. */
export type BundleName = 'worker' | 'wrapper';

/** Where each is, once it is made. */
export const BUNDLES: Readonly<Record<BundleName, string>> = {
  worker: path.join(PROJECT, 'build', 'worker.mjs'),
  wrapper: path.join(PROJECT, 'build', 'wrapper.mjs'),
};

/** What a bundle is made of: what those may import that are in it (`scripts/lint/import-table.ts`). */
const SOURCES: Readonly<Record<BundleName, readonly string[]>> = {
  worker: ['client', 'console', 'durable', 'functions', 'protocol', 'redis', 'worker.ts', 'docs/openapi.json'],
  wrapper: ['protocol', 'wrapper'],
};
/** What makes it. npm writes the last one whenever it changes a package. */
const TOOLS = [
  'scripts/bundle.ts',
  'scripts/bundle',
  'scripts/console',
  'start/lib/project.ts',
  'tsconfig.json',
  'tsconfig.base.json',
  'package.json',
  'node_modules/.package-lock.json',
];

const note = z.object({ of: z.string(), files: z.record(z.string(), z.string()) });
const noteOf = (name: BundleName, project: string): string => path.join(project, 'build', `${name}.made.json`);

/** A word for all that a bundle is made of, as it is now: by names, sizes and times, as `make` does it. It takes 10 ms. */
export function sourcesOf(name: BundleName, project = PROJECT): string {
  const files = [...SOURCES[name], ...TOOLS].flatMap((file) => statesIn(path.join(project, file)));
  return createHash('sha256')
    .update(JSON.stringify([process.version, files]))
    .digest('hex');
}

/** Whether a bundle is there, and neither it nor what it is made of has been changed since it was made. */
export function isMade(name: BundleName, project = PROJECT): boolean {
  const file = noteOf(name, project);
  if (!existsSync(file)) return false;
  const { success, data } = note.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!success || data.of !== sourcesOf(name, project)) return false;
  return Object.entries(data.files).every(([file, state]) => stateOf(file) === state);
}

/**
 * Notes that a bundle was made.
 *
 * @param of `sourcesOf` from before: what was edited meanwhile may be in it or not
 * @param files all that it is, also folders
 */
export function noteMade(name: BundleName, of: string, files: readonly string[], project = PROJECT): void {
  const file = noteOf(name, project);
  const made: z.infer<typeof note> = { of, files: Object.fromEntries(files.flatMap(statesIn)) };
  // Another process may read it at this moment.
  const part = `${file}.${process.pid}`;
  writeFileSync(part, JSON.stringify(made));
  renameSync(part, file);
}

/** A file, or all files in a folder, each with its state. */
function statesIn(at: string): [file: string, state: string][] {
  if (statSync(at, { throwIfNoEntry: false })?.isDirectory() !== true) return [[at, stateOf(at)]];
  return readdirSync(at)
    .filter((name) => name !== 'node_modules')
    .flatMap((name) => statesIn(path.join(at, name)));
}

function stateOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${stats.size} ${stats.mtimeMs}`;
}
