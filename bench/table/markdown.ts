import type { Figures } from './figures.ts';
import { verdict, type BenchRow } from './rows.ts';

/** A figure in its unit, with as many digits as say something. */
export function withUnit(value: number, unit: BenchRow['unit']): string {
  const digits = unit === '' || value >= 100 ? 0 : unit === 'MB' || unit === 'KB' ? 0 : 2;
  const number = value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number} ${unit}`.trim();
}

export function goalText({ goal, unit }: BenchRow): string {
  if (goal === null) return '';
  const [sign, limit] = 'most' in goal ? ['≤', goal.most] : ['≥', goal.least];
  return `${sign} ${limit.toLocaleString('en-US')} ${unit}`.trim();
}

/** `2026-11-30, load 7`: on how busy a machine it was measured. */
function when({ date, load }: Figures[string] & object): string {
  return `${date}, load ${load.toFixed(0)}`;
}

/** A table of Markdown, as the formatter leaves it. */
export function goalTable(rows: readonly BenchRow[], figures: Figures): string {
  return markdownTable(
    ['', 'goal', 'figure', '', 'measured'],
    rows.map((row) => {
      const figure = figures[row.id];
      return [
        row.what,
        goalText(row),
        figure === undefined ? '–' : withUnit(figure.value, row.unit),
        verdict(row, figure?.value),
        figure === undefined ? '' : when(figure),
      ];
    }),
  );
}

/** For who reads a few figures only: without dates and verdicts. Those that were never measured are left out. */
export function shortTable(
  shown: readonly (readonly [id: string, words: string])[],
  rows: readonly BenchRow[],
  figures: Figures,
): string {
  return markdownTable(
    ['', 'measured', 'goal'],
    shown.flatMap(([id, words]) => {
      const [row, figure] = [rows.find((one) => one.id === id), figures[id]];
      return row === undefined || figure === undefined
        ? []
        : [[words, withUnit(figure.value, row.unit), goalText(row)]];
    }),
  );
}

/** Cells are padded to their column, as the formatter does. */
function markdownTable(head: readonly string[], texts: readonly (readonly string[])[]): string {
  const rows = texts.map((cells) => cells.map((cell) => cell.replaceAll('|', String.raw`\|`)));
  const widths = head.map((cell, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? cell).length)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, n) => (cells[n] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/**
 * Puts a table between the marks of a page, `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
 *
 * @throws when the page does not have both, once each
 */
export function putBetween(page: string, name: string, table: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...others] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined || more.length > 0 || others.length > 0)
    throw new Error(`the page does not have ${begin} and ${end} once each`);
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}
