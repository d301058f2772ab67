import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';

/** The root folder of this repository. */
export const PROJECT = path.resolve(import.meta.dirname, '../..');

/** What the edge serves as it is: `scripts/bundle.ts` places it there. */
export const ASSETS_FOLDER = path.join(PROJECT, 'build', 'assets');

/** CC-Docker's own version. */
export function projectVersion(): string {
  const manifest = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}

/** A path as a person would type it in their current folder. */
export function shownPath(file: string, from: string = process.cwd()): string {
  const relative = path.relative(from, file);
  return relative === '' ? '.' : relative.startsWith('..') ? file : relative;
}
