import { appendFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { FigureId } from './rows.ts';

/** The last figure of a row, in the row's unit, and what the machine was like. */
const figure = z.object({ value: z.number(), date: z.iso.date(), cores: z.int(), load: z.number() });
export type Figure = z.infer<typeof figure>;
const figures = z.record(z.string(), figure);
export type Figures = Readonly<Record<string, Figure>>;

/** Where the last figure of each row is kept. */
const FIGURES_FILE = path.join(import.meta.dirname, '..', 'figures.json');
/** Names the file to which the scripts of one run append their figures, a line of JSON each. */
export const FIGURES_VARIABLE = 'BENCH_FIGURES';

const reported = z.object({ id: z.string(), figure });

/** A figure, as it is measured now. */
export function figureNow(value: number): Figure {
  return { value, date: new Date().toISOString().slice(0, 10), cores: cpus().length, load: loadavg()[0] ?? 0 };
}

/** A row's script has measured this. Run by hand, it only prints. */
export function reportFigure(id: FigureId, value: number): void {
  const file = process.env[FIGURES_VARIABLE];
  if (file === undefined || Number.isNaN(value)) return;
  appendFileSync(file, `${JSON.stringify({ id, figure: figureNow(value) })}\n`);
}

/** What scripts have reported in this run. The last figure of a row counts. */
export function parseReported(text: string): Figures {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => reported.parse(JSON.parse(line))).map(({ id, figure }) => [id, figure]),
  );
}

export async function readFigures(): Promise<Figures> {
  return figures.parse(JSON.parse(await readFile(FIGURES_FILE, 'utf8')));
}

export async function writeFigures(all: Figures): Promise<void> {
  const sorted = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(FIGURES_FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}
