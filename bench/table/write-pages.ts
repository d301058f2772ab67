import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PROJECT } from '../../start/lib/project.ts';
import type { Figures } from './figures.ts';
import { goalTable, putBetween, shortTable } from './markdown.ts';
import { HOST_ROWS, MAIN_ROWS, MORE_ROWS, README_ROWS, ROWS } from './rows.ts';

/** The pages with tables of figures, and what stands between which marks. */
export const PAGES: Readonly<Record<string, Readonly<Record<string, (figures: Figures) => string>>>> = {
  'docs/performance.md': {
    goals: (figures) => goalTable(MAIN_ROWS, figures),
    more: (figures) => goalTable(MORE_ROWS, figures),
  },
  'docs/scale.md': {
    host: (figures) => goalTable(HOST_ROWS, figures),
  },
  'README.md': {
    five: (figures) => shortTable(README_ROWS, ROWS, figures),
  },
};

/** A page with these figures in its tables. */
export function withTables(page: string, text: string, figures: Figures): string {
  return Object.entries(PAGES[page] ?? {}).reduce((sum, [name, table]) => putBetween(sum, name, table(figures)), text);
}

/** Writes the tables of all pages. @returns the pages that have changed */
export async function writePages(figures: Figures): Promise<string[]> {
  const changed: string[] = [];
  for (const page of Object.keys(PAGES)) {
    const file = path.join(PROJECT, page);
    const before = await readFile(file, 'utf8');
    const after = withTables(page, before, figures);
    if (after !== before) changed.push(page);
    await writeFile(file, after);
  }
  return changed;
}
