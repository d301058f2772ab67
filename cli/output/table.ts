import stringWidth from 'string-width';
import { printable } from './terminal.ts';

/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly align?: 'right';
  /** Gives way when the terminal is narrow: it is shortened, down to this many characters. */
  readonly shrinksTo?: number;
  /** Is left out when the terminal is narrower still: the highest first. Absent: it never is. */
  readonly leftOut?: number;
  readonly style?: (text: string, row: T) => string;
}

const GAP = 2;

/**
 * A table of text. With a width, no line is longer: columns that may are shortened and left out; the others are cut.
 *
 * @param width of the terminal; undefined: it is none, and nothing is shortened
 */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], width: number | undefined): string[] {
  let shown = columns.map((column) => {
    const cells = rows.map((row) => oneLine(column.value(row)));
    return { column, cells, width: Math.max(stringWidth(column.title), ...cells.map((cell) => stringWidth(cell))) };
  });
  if (width !== undefined) {
    const excess = () => total(shown) - width;
    const shrink = () => {
      for (const each of shown) {
        const least = Math.max(each.column.shrinksTo ?? each.width, stringWidth(each.column.title));
        each.width = Math.max(Math.min(each.width, least), each.width - Math.max(0, excess()));
      }
    };
    shrink();
    const optional = shown.filter(({ column }) => column.leftOut !== undefined);
    optional.sort((a, b) => (b.column.leftOut ?? 0) - (a.column.leftOut ?? 0));
    for (const next of optional) {
      if (excess() <= 0) break;
      shown = shown.filter((each) => each !== next);
    }
    // What was shortened for a column that is gone now has its room.
    for (const each of shown) {
      const full = Math.max(stringWidth(each.column.title), ...each.cells.map((cell) => stringWidth(cell)));
      each.width = Math.min(full, each.width + Math.max(0, -excess()));
    }
  }
  const line = (text: (each: (typeof shown)[number]) => string) => {
    const cells = shown.map((each, index) =>
      pad(text(each), each.width, each.column.align, index === shown.length - 1),
    );
    return cells.join(' '.repeat(GAP)).trimEnd();
  };
  const cut = (text: string) => (width === undefined ? text : shorten(text, width));
  const head = cut(line(({ column }) => column.title));
  const body = rows.map((row, index) => {
    const plain = cut(line(({ cells, width: most }) => shorten(cells[index] ?? '', most)));
    return styled(
      plain,
      shown.map(({ column }) => column),
      shown.map((each) => shorten(each.cells[index] ?? '', each.width)),
      row,
    );
  });
  return [head, ...body];
}

const total = (shown: readonly { readonly width: number }[]) =>
  shown.reduce((sum, each) => sum + each.width, 0) + GAP * Math.max(0, shown.length - 1);

/** Styles the cells of a line that has its final form: styles have no width. */
function styled<T>(line: string, columns: readonly Column<T>[], cells: readonly string[], row: T): string {
  let rest = line;
  let done = '';
  columns.forEach((column, index) => {
    const cell = cells[index] ?? '';
    const at = rest.indexOf(cell);
    if (cell === '' || at < 0) return;
    done += rest.slice(0, at) + (column.style?.(cell, row) ?? cell);
    rest = rest.slice(at + cell.length);
  });
  return done + rest;
}

function pad(text: string, width: number, align: 'right' | undefined, isLast: boolean): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  if (align === 'right') return space + text;
  return isLast ? text : text + space;
}

const graphemes = new Intl.Segmenter();

/** A text that takes at most so many columns of a terminal. */
export function shorten(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let taken = 0;
  for (const { segment } of graphemes.segment(text)) {
    const next = stringWidth(segment);
    if (taken + next > width - 1) break;
    kept += segment;
    taken += next;
  }
  return width < 1 ? '' : `${kept}…`;
}

/** Text of an agent as a part of a line. */
export const oneLine = (text: string) => printable(text).replaceAll(/\s+/g, ' ').trim();
